// The page's own colours, read from its style sheet, so that charts follow the theme.
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    colour,
    ink: colour("ink"),
    soft: colour("ink-soft"),
    line: colour("line"),
    surface: colour("surface"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

export function frame(colours) {
  return {
    animation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 300,
    textStyle: { fontFamily: colours.font, color: colours.ink },
    tooltip: {
      trigger: "axis",
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.ink, fontSize: 12 },
      confine: true,
    },
  };
}

export function axes(colours) {
  return {
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { show: false },
    axisLabel: { color: colours.soft, fontSize: 12, hideOverlap: true },
    splitLine: { lineStyle: { color: colours.line } },
  };
}

export const amount = (value) =>
  value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// Axis labels as the reader's language counts: 1.2 M and 350 k, or 120 万 and 1.2 亿.
const STEPS = document.documentElement.lang.startsWith("zh")
  ? [[1e8, " 亿"], [1e4, " 万"]]
  : [[1e6, " M"], [1e3, " k"]];

export function short(value) {
  const trim = (number) => String(Number(number.toFixed(2)));
  const step = STEPS.find(([size]) => Math.abs(value) >= size);
  return step ? trim(value / step[0]) + step[1] : trim(value);
}

// Texts come from the database: never as markup.
export function escaped(text) {
  const holder = document.createElement("span");
  holder.textContent = text;
  return holder.innerHTML;
}

// ISO days read alike in every language.
export const timeLabel = {
  year: "{yyyy}",
  month: "{yyyy}-{MM}",
  day: "{MM}-{dd}",
  hour: "{MM}-{dd}",
};
