// Price and the model's rate on one time axis; a mark on each day whose fall exceeded the rate.
import { axes, escaped, frame, timeLabel } from "./palette.js";

const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 6 });
const percent = (value) => `${(value * 100).toFixed(2)} %`;

function told(data, parts) {
  const rows = parts.map((part) => {
    const text = part.seriesName === data.texts.rate ? percent(part.value[1]) : number(part.value[1]);
    return `${part.marker}${escaped(part.seriesName)} <strong>${escaped(text)}</strong>`;
  });
  return [escaped(String(parts[0].value[0])), ...rows].join("<br>");
}

function line(name, colour, data, more) {
  return {
    name,
    type: "line",
    symbol: "none",
    lineStyle: { color: colour, width: 1.5 },
    itemStyle: { color: colour },
    data,
    ...more,
  };
}

export function backtest(data, colours) {
  if (data.rates.length === 0) return null;
  const style = axes(colours);
  const red = colours.colour("band-called");
  const side = (more) => ({ type: "value", scale: true, ...style, ...more });
  return {
    ...frame(colours),
    tooltip: { ...frame(colours).tooltip, formatter: (parts) => told(data, parts) },
    legend: { top: 0, right: 0, textStyle: { color: colours.ink }, itemWidth: 16 },
    grid: { left: 64, right: 64, top: 34, bottom: 26 },
    xAxis: {
      type: "time",
      ...style,
      splitLine: { show: false },
      axisLabel: { ...style.axisLabel, formatter: timeLabel },
    },
    yAxis: [
      side({ axisLabel: { color: colours.soft, formatter: number } }),
      side({ splitLine: { show: false }, axisLabel: { color: colours.soft, formatter: (value) => `${(value * 100).toFixed(0)} %` } }),
    ],
    series: [
      line(data.texts.price, colours.colour("right-receivable"), data.prices),
      line(data.texts.rate, colours.colour("right-pledge"), data.rates, { yAxisIndex: 1, step: "end" }),
      {
        name: data.texts.exceeded,
        type: "scatter",
        symbol: "diamond",
        symbolSize: 9,
        itemStyle: { color: red },
        data: data.exceeded,
      },
    ],
  };
}
