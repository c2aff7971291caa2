// Finds every figure[data-chart], fetches its data, draws it with ECharts and keeps it fitting:
// size, theme and print. A chart is a function from data and colours to an ECharts option.
import * as echarts from "../../echarts/echarts.esm.min.mjs";
import { backtest } from "./backtest.js";
import { bars } from "./bars.js";
import { coverage } from "./coverage.js";
import { line } from "./line.js";
import { palette } from "./palette.js";
import { price } from "./price.js";
import { waterfall } from "./waterfall.js";

const KINDS = { backtest, bars, coverage, line, price, waterfall };

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.room = figure.querySelector(".chart-room");
    this.state = figure.querySelector(".chart-state");
  }

  async load() {
    this.say(this.state.dataset.loading);
    try {
      const answer = await fetch(this.figure.dataset.url, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      this.data = await answer.json();
    } catch {
      this.fail();
      return;
    }
    this.draw();
  }

  draw() {
    const option = KINDS[this.figure.dataset.chart](this.data, palette());
    if (option === null) {
      this.say(this.state.dataset.empty);
      return;
    }
    this.figure.classList.add("ready");
    this.picture ??= echarts.init(this.room, null, { renderer: "svg" });
    this.picture.setOption(option, true);
    this.room.querySelector("svg")?.setAttribute("aria-hidden", "true");
  }

  say(text) {
    this.state.textContent = text;
  }

  fail() {
    const again = document.createElement("button");
    again.type = "button";
    again.className = "btn btn-ghost";
    again.textContent = this.state.dataset.again;
    again.addEventListener("click", () => this.load());
    this.say(this.state.dataset.failed);
    this.state.append(document.createElement("br"), again);
  }
}

let charts = [];
const resized = new ResizeObserver(() => charts.forEach((chart) => chart.picture?.resize()));

// Draws the figures that are new: all of a fresh page, those of a part that htmx put in later.
function begin() {
  charts = charts.filter((chart) => chart.figure.isConnected);
  const known = new Set(charts.map((chart) => chart.figure));
  const found = [...document.querySelectorAll("figure[data-chart]")]
    .filter((figure) => !known.has(figure))
    .map((figure) => new Chart(figure));
  charts.push(...found);
  found.forEach((chart) => chart.load());
  found.forEach((chart) => resized.observe(chart.room));
}

begin();
document.addEventListener("htmx:afterSettle", begin);

new MutationObserver(() => charts.forEach((chart) => chart.data && chart.draw())).observe(
  document.documentElement,
  { attributes: true, attributeFilter: ["data-bs-theme"] },
);
