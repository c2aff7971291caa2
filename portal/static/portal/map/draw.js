// Draws a laid-out scene as SVG and keeps elements by key, so that time moves them smoothly.
import { layOut } from "./layout.js";

const SVG = "http://www.w3.org/2000/svg";
export const FULL = { head: 50, label: 36, block: 64, least: 700, height: 440 };
export const SMALL = { head: 34, label: 7, block: 26, least: 300, height: 230 };

function make(name, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

export class MapPicture {
  constructor(room, { small = false, onOpen = () => {} } = {}) {
    this.room = room;
    this.measures = small ? SMALL : FULL;
    this.small = small;
    this.onOpen = onOpen;
    this.colourBy = "right";
    this.largest = 0; // keeps heights comparable while time moves
    this.groups = new Map();
    this.paths = new Map();
    this.build();
  }

  build() {
    this.svg = make("svg", { class: "map-svg" });
    if (!this.small) this.svg.setAttribute("role", "group");
    const definitions = make("defs", {}, this.svg);
    const hatch = make("pattern", { id: "map-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, definitions);
    make("rect", { width: 2.5, height: 6, class: "hatch-line" }, hatch);
    this.heads = make("g", { class: "map-heads" }, this.svg);
    this.ribbons = make("g", { class: "map-ribbons" }, this.svg);
    this.blocks = make("g", { class: "map-blocks" }, this.svg);
  }

  show(scene) {
    this.scene = scene;
    this.redraw();
  }

  redraw() {
    if (!this.scene) return;
    if (!this.svg.isConnected) this.room.replaceChildren(this.svg);
    const width = Math.max(this.room.clientWidth, this.measures.least);
    const { height } = this.measures;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    this.layout = layOut(this.scene, { width, ...this.measures }, this.largest);
    this.drawHeads();
    this.drawRibbons();
    this.drawBlocks();
  }

  drawHeads() {
    this.heads.replaceChildren();
    this.layout.columns.forEach((column, index) => this.drawHead(column, index));
  }

  // The small map's headings stand in two rows: each has the room of two columns.
  drawHead(column, index) {
    const { head } = this.measures;
    const last = this.layout.columns.length - 1;
    const before = this.small && index > 0 ? column.width / 2 : 0;
    const after = this.small && index < last ? column.width / 2 : 0;
    const top = this.small && index % 2 ? head / 2 : 0;
    const box = make("foreignObject", { x: column.left - before, y: top, width: column.width + before + after, height: head - top }, this.heads);
    const text = document.createElement("div");
    text.className = `map-head${column.filled ? "" : " nothing"}${index === 0 ? " first" : ""}${index === last ? " last" : ""}`;
    const heading = document.createElement("strong");
    heading.textContent = column.heading;
    text.append(heading);
    if (!this.small && column.filled) {
      const nature = document.createElement("span");
      nature.textContent = column.nature;
      text.append(nature);
    }
    box.append(text);
  }

  drawRibbons() {
    const seen = new Set();
    for (const one of this.layout.ribbons) {
      const { ribbon } = one;
      const key = `${ribbon.source ?? "outside"}>${ribbon.target}>${ribbon.kind}>${ribbon.in_progress}`;
      seen.add(key);
      if (!this.paths.has(key)) {
        const path = make("path", {}, this.ribbons);
        make("title", {}, path);
        this.paths.set(key, path);
      }
      this.drawRibbon(this.paths.get(key), one);
    }
    prune(this.paths, seen);
  }

  drawRibbon(path, { ribbon, target, path: shape }) {
    path.setAttribute("d", shape);
    path.style.d = `path("${shape}")`;
    const colour = this.colourBy === "right" ? `right-${target.node.place}` : "neutral";
    path.setAttribute("class", `ribbon ${colour}${ribbon.in_progress ? " in-progress" : ""}${ribbon.source ? "" : " stub"}`);
    const { texts } = this.scene;
    const values = ribbon.given_text === ribbon.made_text ? ribbon.made_text : `${ribbon.given_text} → ${ribbon.made_text}`;
    const notes = [ribbon.source ? "" : texts.from_outside, ribbon.in_progress ? texts.in_progress : ""].filter(Boolean);
    path.firstElementChild.textContent = [`${ribbon.word}: ${values} ${this.scene.currency}`, ...notes].join(", ");
  }

  drawBlocks() {
    const seen = new Set();
    for (const slot of this.layout.slots) {
      seen.add(slot.key);
      if (!this.groups.has(slot.key)) this.groups.set(slot.key, this.newBlock(slot.key));
      this.drawBlock(this.groups.get(slot.key), slot);
    }
    prune(this.groups, seen);
    if (!this.small) this.rove();
  }

  newBlock(key) {
    const group = make("g", { class: "block", "data-key": key }, this.blocks);
    if (!this.small) {
      group.setAttribute("role", "button");
      group.setAttribute("tabindex", "-1");
    }
    for (const name of ["ghost", "whole", "lent", "left-out", "ring"]) make("rect", { class: name }, group);
    make("title", {}, group);
    if (!this.small) group.append(this.newLabel());
    return group;
  }

  newLabel() {
    const box = make("foreignObject", { height: this.measures.label - 4 });
    const text = document.createElement("div");
    text.className = "map-label";
    text.append(document.createElement("strong"), document.createElement("span"));
    box.append(text);
    return box;
  }

  drawBlock(group, slot) {
    const { node, block } = slot;
    const { texts } = this.scene;
    group.setAttribute("class", `block ${this.tone(node)}${block.height ? "" : " passed"}`);
    const shapes = {
      ghost: [slot.y, slot.height],
      whole: [block.top, block.height],
      lent: [block.top + block.height - block.lent, block.lent],
      "left-out": [block.top, block.left],
      ring: [slot.y - 2, slot.height + 4],
    };
    for (const [name, [top, height]] of Object.entries(shapes)) {
      const rect = group.querySelector(`.${name}`);
      const wider = name === "ring" ? 2 : 0;
      Object.assign(rect.style, { x: `${slot.x - wider}px`, y: `${top}px`, width: `${slot.width + 2 * wider}px`, height: `${Math.max(height, 0)}px` });
    }
    const words = this.words(node, texts);
    group.querySelector("title").textContent = words;
    if (this.small) return;
    group.setAttribute("aria-label", words);
    this.placeLabel(group.querySelector("foreignObject"), slot, texts);
  }

  placeLabel(box, slot, texts) {
    box.setAttribute("width", slot.room);
    box.style.transform = `translate(${slot.x + slot.width / 2 - slot.room / 2}px, ${slot.y - this.measures.label + 2}px)`;
    const [name, value] = box.firstElementChild.children;
    name.textContent = slot.node.name;
    value.textContent = slot.block.height ? slot.node.market_text : texts.passed;
  }

  words(node, texts) {
    const column = this.scene.columns.find((one) => one.key === node.place).heading;
    const standing = node.market
      ? `${texts.market} ${node.market_text} ${this.scene.currency}, ${texts.lending} ${node.lending_text} (${node.rate}), ${node.positions}`
      : texts.passed;
    const left = node.left_out_text ? `, ${texts.left_out} ${node.left_out_text}: ${node.reason}` : "";
    const risk = this.colourBy === "risk" && node.market ? `, ${node.risk_text}` : "";
    return `${column}, ${node.name}: ${standing}${left}${risk}`;
  }

  tone(node) {
    if (this.colourBy === "band") return `tone-${this.scene.reading.band}`;
    if (this.colourBy === "risk") return `tone-${node.market ? node.risk : "none"}`;
    return `right-${node.place === "end" ? node.key : node.place}`;
  }

  // One block is in the tab order: the one last focused, or the first.
  rove(key = this.focused) {
    const fallback = this.layout.slots[0]?.key;
    const chosen = this.groups.has(key) ? key : fallback;
    for (const [name, group] of this.groups) group.setAttribute("tabindex", name === chosen ? "0" : "-1");
    this.focused = chosen;
  }

  focus(key) {
    this.rove(key);
    this.groups.get(key)?.focus();
  }

  choose(key) {
    for (const [name, group] of this.groups) group.classList.toggle("chosen", name === key);
  }
}

function prune(elements, seen) {
  for (const [key, element] of elements) {
    if (seen.has(key)) continue;
    element.remove();
    elements.delete(key);
  }
}
