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

// Axis labels: 1.2 M, 350 k.
export function short(value) {
  const size = Math.abs(value);
  const trim = (number) => String(Number(number.toFixed(2)));
  if (size >= 1e6) return `${trim(value / 1e6)} M`;
  if (size >= 1e3) return `${trim(value / 1e3)} k`;
  return trim(value);
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
