// Floating bars from the full value down to what may still be drawn.
import { axes, escaped, frame, short } from "./palette.js";

// Each bar spans from the level before to the level after; totals start at zero.
function spans(steps) {
  let level = 0;
  return steps.map((step) => {
    const from = step.total ? 0 : level;
    level = step.total ? step.amount : level + step.amount;
    return [Math.min(from, level), Math.max(from, level)];
  });
}

function tone(step, isLast, colour) {
  if (!step.total) return colour("band-called");
  if (!isLast) return colour("right-receivable");
  return step.amount < 0 ? colour("band-close_out") : colour("band-covered");
}

function told(data, index) {
  const step = data.steps[index];
  return `<strong>${escaped(step.label)}</strong><br>${escaped(step.text)} ${escaped(data.currency)}<br>${escaped(step.note)}`;
}

// A bar between two values, drawn by hand: stacked bars cannot cross zero.
function bar(colours, steps) {
  return (parameters, api) => {
    const index = api.value(0);
    const low = api.coord([index, api.value(1)]);
    const high = api.coord([index, api.value(2)]);
    const width = api.size([1, 0])[0] * 0.62;
    const step = steps[index];
    return {
      type: "group",
      children: [
        {
          type: "rect",
          shape: { x: low[0] - width / 2, y: high[1], width, height: Math.max(low[1] - high[1], 1.5), r: 2 },
          style: { fill: tone(step, index === steps.length - 1, colours.colour) },
        },
        {
          type: "text",
          style: {
            text: short(step.amount).replace("-", "−"),
            x: low[0],
            y: high[1] - 4,
            textAlign: "center",
            textVerticalAlign: "bottom",
            fill: colours.ink,
            fontSize: 11,
          },
        },
      ],
    };
  };
}

export function waterfall(data, colours) {
  if (data.steps.length === 0) return null;
  const shape = spans(data.steps);
  return {
    ...frame(colours),
    tooltip: { ...frame(colours).tooltip, trigger: "item", formatter: (one) => told(data, one.dataIndex) },
    grid: { left: 8, right: 8, top: 24, bottom: 6, containLabel: true },
    xAxis: {
      type: "category",
      data: data.steps.map((step) => step.label),
      ...axes(colours),
      axisLabel: { color: colours.soft, interval: 0, width: 60, overflow: "break", fontSize: 10.5, lineHeight: 12 },
    },
    yAxis: { type: "value", ...axes(colours), axisLabel: { color: colours.soft, formatter: short } },
    series: [
      {
        type: "custom",
        renderItem: bar(colours, data.steps),
        encode: { x: 0, y: [1, 2] },
        data: shape.map(([low, high], index) => [index, low, high]),
      },
    ],
  };
}
