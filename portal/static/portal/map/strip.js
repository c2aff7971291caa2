// The strip above the map: exposure against lending value, bands, calls and conversions over
// time. Its cursor is a range input, so that mouse, touch and keys all work as everywhere.
const SVG = "http://www.w3.org/2000/svg";
const DAY = 24 * 3600 * 1000;
const HEIGHT = 96;
const PAD = { left: 8, right: 8, top: 8, bottom: 22 }; // half a thumb on each side

function make(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

const startOfDay = (time) => Math.floor(time / DAY) * DAY;
// A day stands for its last instant.
export const endOfDay = (time) => startOfDay(time) + DAY - 1;

export class Strip {
  constructor(room, { label, onMove }) {
    this.room = room;
    this.onMove = onMove;
    this.svg = make("svg", { class: "strip-svg", "aria-hidden": "true" });
    this.range = document.createElement("input");
    Object.assign(this.range, { type: "range", className: "strip-range", min: 0, step: 1 });
    this.range.setAttribute("aria-label", label);
    this.range.addEventListener("input", () => this.onMove(endOfDay(this.first + Number(this.range.value) * DAY)));
    room.replaceChildren(this.svg, this.range);
  }

  load(data) {
    this.data = data;
    this.readings = data.readings.map((one) => ({ ...one, time: Date.parse(one.at) }));
    if (this.readings.length === 0) return;
    this.first = startOfDay(this.readings[0].time);
    this.last = endOfDay(this.readings.at(-1).time);
    this.range.max = Math.floor((this.last - this.first) / DAY);
    this.stops = [...new Set([...data.events.map((one) => Date.parse(one.at)), ...data.calls.map((one) => Date.parse(one.from)), this.last])].sort((a, b) => a - b);
    this.draw();
  }

  x(time) {
    const width = this.width - PAD.left - PAD.right;
    return PAD.left + ((startOfDay(time) - this.first) / Math.max(startOfDay(this.last) - this.first, DAY)) * width;
  }

  y(value) {
    return HEIGHT - PAD.bottom - (value / this.top) * (HEIGHT - PAD.top - PAD.bottom);
  }

  draw() {
    if (!this.readings?.length) return;
    this.width = this.room.clientWidth;
    this.top = Math.max(1, ...this.readings.map((one) => Math.max(one.exposure, one.call))) * 1.05;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.svg.replaceChildren();
    this.drawBands();
    this.drawCalls();
    this.drawLine("lending", "strip-lending");
    this.drawLine("exposure", "strip-exposure");
    this.drawMarks();
    this.drawMonths();
    this.cursor = make("g", { class: "strip-cursor" }, this.svg);
    make("line", { y1: 2, y2: HEIGHT - PAD.bottom + 4 }, this.cursor);
    make("circle", { cy: HEIGHT - PAD.bottom + 4, r: 6 }, this.cursor);
    if (this.at) this.show(this.at);
  }

  drawBands() {
    const floors = [() => 0, (one) => one.lending, (one) => one.watch, (one) => one.call];
    const roofs = [(one) => one.lending, (one) => one.watch, (one) => one.call, () => this.top];
    ["covered", "watch", "called", "close_out"].forEach((band, index) => {
      const up = this.readings.map((one) => `${this.x(one.time).toFixed(1)} ${this.y(roofs[index](one)).toFixed(1)}`);
      const down = this.readings.map((one) => `${this.x(one.time).toFixed(1)} ${this.y(floors[index](one)).toFixed(1)}`).reverse();
      make("path", { d: `M${up.join("L")}L${down.join("L")}Z`, class: `strip-band band-${band}` }, this.svg);
    });
  }

  drawCalls() {
    for (const call of this.data.calls) {
      const from = this.x(Date.parse(call.from));
      const until = this.x(call.until ? Date.parse(call.until) : this.last);
      make("rect", { x: from - 1, y: PAD.top, width: Math.max(until - from, 3), height: HEIGHT - PAD.top - PAD.bottom, class: "strip-call" }, this.svg);
    }
  }

  drawLine(key, css) {
    const points = this.readings.map((one) => `${this.x(one.time).toFixed(1)} ${this.y(one[key]).toFixed(1)}`);
    make("path", { d: `M${points.join("L")}`, class: css }, this.svg);
  }

  drawMarks() {
    const base = HEIGHT - PAD.bottom;
    for (const event of this.data.events) {
      const x = this.x(Date.parse(event.at));
      make("path", { d: `M${x - 4} ${base}L${x + 4} ${base}L${x} ${base - 7}Z`, class: "strip-mark" }, this.svg);
    }
  }

  drawMonths() {
    const day = new Date(this.first);
    const months = (this.last - this.first) / (30 * DAY);
    const every = Math.max(1, Math.ceil((months * 62) / this.width));
    for (let month = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 1)), n = 0; month.getTime() < this.last; month.setUTCMonth(month.getUTCMonth() + 1), n += 1) {
      const x = this.x(month.getTime());
      make("line", { x1: x, x2: x, y1: HEIGHT - PAD.bottom, y2: HEIGHT - PAD.bottom + 4, class: "strip-tick" }, this.svg);
      if (n % every) continue;
      const anchor = x > this.width - 40 ? "end" : "middle";
      make("text", { x, y: HEIGHT - 4, "text-anchor": anchor }, this.svg).textContent = month.toISOString().slice(0, 7);
    }
  }

  show(time, words) {
    this.at = time;
    if (!this.cursor) return;
    this.cursor.setAttribute("transform", `translate(${this.x(time).toFixed(1)} 0)`);
    this.range.value = Math.floor((startOfDay(time) - this.first) / DAY);
    if (words) this.range.setAttribute("aria-valuetext", words);
  }

  // The next stop in a direction from where the cursor is, or null.
  stop(direction) {
    const beyond = this.stops.filter((one) => (direction > 0 ? one > this.at : one < this.at));
    return (direction > 0 ? beyond[0] : beyond.at(-1)) ?? null;
  }

  // What happened at the instant, or on its day when the cursor stands at a day's end.
  eventsAt(time) {
    const exact = this.data.events.filter((one) => Date.parse(one.at) === time);
    if (exact.length) return exact;
    return this.data.events.filter((one) => startOfDay(Date.parse(one.at)) === startOfDay(time) && Date.parse(one.at) <= time);
  }
}
