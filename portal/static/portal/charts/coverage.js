// Exposure against lending value; behind them the bands in which exposure would be watched,
// called, closed out; margin calls as shaded spans, conversions as marks on the axis.
import { amount, axes, escaped, frame, short, timeLabel } from "./palette.js";

function band(name, colour, data, opacity = 1) {
  return {
    name,
    type: "line",
    stack: "bands",
    symbol: "none",
    silent: true,
    lineStyle: { width: 0 },
    areaStyle: { color: colour, opacity },
    data,
    z: 1,
  };
}

function nearest(readings, time) {
  return readings.reduce((best, one) =>
    Math.abs(one.time - time) < Math.abs(best.time - time) ? one : best,
  );
}

function told(data, readings, parts) {
  const reading = nearest(readings, parts[0].axisValue);
  const texts = data.texts;
  const cover = reading.exposure ? (reading.lending / reading.exposure).toFixed(2) : texts.no_debt;
  const rows = [
    [texts.exposure, amount(reading.exposure)],
    [texts.lending, amount(reading.lending)],
    [texts.cover, cover],
  ].map(
    ([name, value]) =>
      `<tr><td style="padding-right:1em">${escaped(name)}</td><td style="text-align:right">${escaped(value)}</td></tr>`,
  );
  const events = data.events
    .filter((event) => event.at.slice(0, 10) === reading.at.slice(0, 10))
    .map((event) => `<div style="max-width:24rem;white-space:normal">▲ ${escaped(event.text)}</div>`);
  const heading = `<strong>${escaped(reading.on)}</strong> · ${escaped(texts.bands[reading.band])}`;
  return `${heading}<table>${rows.join("")}</table>${events.join("")}`;
}

function valueLine(name, colour, data, more) {
  return {
    name,
    type: "line",
    symbol: "none",
    lineStyle: { color: colour, width: 2 },
    itemStyle: { color: colour },
    data,
    ...more,
  };
}

function marks(data, top, last, colour) {
  return [
    {
      name: data.texts.conversion,
      type: "scatter",
      symbol: "triangle",
      symbolSize: 9,
      itemStyle: { color: colour("accent") },
      data: data.events.map((event) => [Date.parse(event.at), top * 0.015]),
      z: 6,
    },
    {
      name: data.texts.calls,
      type: "scatter",
      symbol: "diamond",
      symbolSize: 12,
      itemStyle: { color: colour("band-called") },
      data: data.calls.map((call) => [Date.parse(call.from), top * 0.96]),
      markArea: {
        silent: true,
        itemStyle: { color: colour("band-called"), opacity: 0.28 },
        data: data.calls.map((call) => [
          { xAxis: Date.parse(call.from) },
          { xAxis: call.until ? Date.parse(call.until) : last },
        ]),
      },
      z: 6,
    },
  ];
}

export function coverage(data, colours) {
  if (data.readings.length === 0) return null;
  const { colour } = colours;
  const readings = data.readings.map((one) => ({ ...one, time: Date.parse(one.at) }));
  const points = (get) => readings.map((one) => [one.time, get(one)]);
  const top = Math.max(1, ...readings.map((one) => Math.max(one.exposure, one.call))) * 1.06;
  const last = readings.at(-1).time;
  const texts = data.texts;
  return {
    ...frame(colours),
    tooltip: { ...frame(colours).tooltip, formatter: (parts) => told(data, readings, parts) },
    legend: {
      data: [texts.exposure, texts.lending, texts.conversion, texts.calls],
      top: 0,
      right: 0,
      textStyle: { color: colours.ink },
      itemWidth: 16,
      itemHeight: 9,
    },
    grid: { left: 8, right: 12, top: 34, bottom: 6, containLabel: true },
    xAxis: {
      type: "time",
      ...axes(colours),
      axisLabel: { ...axes(colours).axisLabel, formatter: timeLabel },
      splitLine: { show: false },
      min: readings[0].time,
      max: last,
    },
    yAxis: {
      type: "value",
      ...axes(colours),
      max: top,
      axisLabel: { color: colours.soft, formatter: short, showMaxLabel: false },
      name: data.currency,
      nameTextStyle: { color: colours.soft, align: "right" },
    },
    series: [
      band("covered", colour("band-covered-soft"), points((one) => one.lending)),
      band("watch", colour("band-watch-soft"), points((one) => one.watch - one.lending)),
      band("called", colour("band-called-soft"), points((one) => one.call - one.watch)),
      band("close_out", colour("band-close_out-soft"), points((one) => top - one.call), 0.55),
      valueLine(texts.lending, colour("lending"), points((one) => one.lending), { z: 4 }),
      valueLine(texts.exposure, colour("exposure"), points((one) => one.exposure), { z: 5 }),
      ...marks(data, top, last, colour),
    ],
  };
}
