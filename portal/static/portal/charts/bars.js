// Stacked horizontal bars of a few named series.
import { axes, escaped, frame, short } from "./palette.js";

function told(data, texts, parts) {
  const rows = parts
    .filter((part) => part.value)
    .map((part) => {
      const text = escaped(texts.get(part.seriesName)[part.dataIndex]);
      return `<tr><td>${part.marker}${escaped(part.seriesName)}</td><td style="text-align:right;padding-left:1em">${text}</td></tr>`;
    });
  return `<strong>${escaped(parts[0].name)}</strong> ${escaped(data.unit)}<table>${rows.join("")}</table>`;
}

export function bars(data, colours) {
  if (data.names.length === 0) return null;
  const texts = new Map(data.series.map((series) => [series.name, series.texts]));
  return {
    ...frame(colours),
    tooltip: {
      ...frame(colours).tooltip,
      axisPointer: { type: "shadow" },
      formatter: (parts) => told(data, texts, parts),
    },
    legend: { top: 0, right: 0, textStyle: { color: colours.ink }, itemWidth: 14, itemHeight: 9 },
    grid: { left: 20, right: 16, top: 30, bottom: 4, containLabel: true },
    xAxis: {
      type: "value",
      ...axes(colours),
      axisLabel: { color: colours.soft, formatter: short },
      name: "",
    },
    yAxis: {
      type: "category",
      data: data.names,
      inverse: true,
      ...axes(colours),
      axisLabel: { color: colours.ink, width: 230, overflow: "truncate" },
    },
    series: data.series.map((series) => ({
      name: series.name,
      type: "bar",
      stack: "all",
      barMaxWidth: 26,
      itemStyle: { color: colours.colour(series.colour) },
      data: series.values,
    })),
  };
}
