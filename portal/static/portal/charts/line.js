// One value over time; `step` for quantities that jump.
import { amount, axes, frame, short, timeLabel } from "./palette.js";

export function line(data, colours) {
  if (data.points.length === 0) return null;
  const colour = colours.colour("right-receivable");
  const many = data.points.length > 40;
  return {
    ...frame(colours),
    tooltip: {
      ...frame(colours).tooltip,
      valueFormatter: (value) => `${amount(value)} ${data.unit}`,
    },
    grid: { left: 8, right: 16, top: 30, bottom: 4, containLabel: true },
    xAxis: {
      type: "time",
      ...axes(colours),
      axisLabel: { ...axes(colours).axisLabel, formatter: timeLabel },
      splitLine: { show: false },
    },
    yAxis: {
      type: "value",
      ...axes(colours),
      axisLabel: { color: colours.soft, formatter: short },
      name: data.unit,
      nameTextStyle: { color: colours.soft, align: "right" },
    },
    series: [
      {
        name: data.name,
        type: "line",
        step: data.step ? "end" : false,
        symbol: many ? "none" : "circle",
        symbolSize: 6,
        lineStyle: { color: colour, width: 2 },
        itemStyle: { color: colour },
        areaStyle: { color: colour, opacity: 0.12 },
        data: data.points,
      },
    ],
  };
}
