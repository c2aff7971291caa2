// Price above, pledge rate below, one time axis; the prices at which my band flips as lines.
import { axes, escaped, frame, timeLabel } from "./palette.js";

const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 6 });
const percent = (value) => `${(value * 100).toFixed(2)} %`;

function flipLines(data, colours) {
  return data.flips.map((flip) => ({
    yAxis: flip.price,
    lineStyle: { color: colours.colour(`band-${flip.band}`), type: "dashed", width: 1.5 },
    label: {
      formatter: `${flip.word} ${flip.text}`,
      color: colours.colour(`band-${flip.band}-text`),
      position: "insideStartTop",
      fontSize: 11,
    },
  }));
}

// Room for the flip lines, but a line far below must not flatten the price.
function bounds(data) {
  const values = data.prices.map((point) => point[1]);
  const least = Math.min(...values);
  const most = Math.max(...values);
  const lines = data.flips.map((flip) => flip.price).filter((one) => one > least - (most - least) * 1.5);
  const low = Math.min(least, ...lines);
  const high = Math.max(most, ...lines);
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return { min: low < 0 ? low - room : Math.max(low - room, 0), max: high + room };
}

function told(data, parts) {
  const rows = parts.map((part) => {
    const value = part.value[1];
    const text = part.seriesIndex === 0 ? `${number(value)} ${data.unit}` : percent(value);
    return `${part.marker}${escaped(part.seriesName)} <strong>${escaped(text)}</strong>`;
  });
  return [escaped(String(parts[0].value[0])), ...rows].join("<br>");
}

function timeAxis(colours, gridIndex, labelled) {
  const style = axes(colours);
  return {
    type: "time",
    gridIndex,
    ...style,
    splitLine: { show: false },
    axisLabel: { ...style.axisLabel, show: labelled, formatter: timeLabel },
  };
}

function track(name, index, colour, data, more) {
  return {
    name,
    type: "line",
    symbol: "none",
    xAxisIndex: index,
    yAxisIndex: index,
    lineStyle: { color: colour, width: 1.7 },
    itemStyle: { color: colour },
    data,
    ...more,
  };
}

export function price(data, colours) {
  if (data.prices.length === 0) return null;
  const green = colours.colour("right-pledge");
  const style = axes(colours);
  return {
    ...frame(colours),
    tooltip: { ...frame(colours).tooltip, formatter: (parts) => told(data, parts) },
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    legend: { top: 0, right: 0, textStyle: { color: colours.ink }, itemWidth: 16 },
    grid: [
      { left: 64, right: 16, top: 34, height: "54%" },
      { left: 64, right: 16, top: "76%", bottom: 26 },
    ],
    xAxis: [timeAxis(colours, 0, false), timeAxis(colours, 1, true)],
    yAxis: [
      {
        type: "value",
        gridIndex: 0,
        ...style,
        ...bounds(data),
        axisLabel: { color: colours.soft, formatter: number, showMinLabel: false, showMaxLabel: false },
        name: data.unit,
        nameTextStyle: { color: colours.soft },
      },
      {
        type: "value",
        gridIndex: 1,
        ...style,
        scale: true,
        splitNumber: 2,
        axisLabel: { color: colours.soft, formatter: (value) => `${(value * 100).toFixed(0)} %` },
      },
    ],
    series: [
      track(data.texts.price, 0, colours.colour("right-receivable"), data.prices, {
        markLine: { symbol: "none", silent: true, data: flipLines(data, colours) },
      }),
      track(data.texts.rate, 1, green, data.rates, {
        step: "end",
        areaStyle: { color: green, opacity: 0.1 },
      }),
    ],
  };
}
