// The map's page: time strip, map, side panel and tables around one state (instant, window).
import { MapPicture } from "./draw.js";
import { neighbour, tallest } from "./layout.js";
import { Strip } from "./strip.js";

const root = document.querySelector("[data-map]");
const part = (name) => root.querySelector(`[data-${name}]`);
const state = { at: Date.parse(root.dataset.at), window: root.dataset.window, playing: null };
const scenes = new Map();

const picture = new MapPicture(part("map-room"));
const strip = new Strip(part("strip-room"), { label: part("at-text").dataset.label, onMove: (time) => moveTo(time) });

function address(base, time) {
  const query = new URLSearchParams({ at: new Date(time).toISOString(), window: state.window });
  return `${base}?${query}`;
}

function sceneAt(time) {
  const url = address(root.dataset.scene, time);
  if (!scenes.has(url)) {
    const loading = fetch(url).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
    loading.catch(() => scenes.delete(url));
    scenes.set(url, loading);
  }
  return scenes.get(url);
}

async function moveTo(time) {
  state.at = time;
  strip.show(time);
  try {
    const scene = await sceneAt(time);
    if (state.at !== time) return; // a later move overtook this one
    showScene(scene, time);
  } catch {
    failed();
  }
}

function showScene(scene, time) {
  picture.show(scene);
  strip.show(time, scene.at_text);
  part("at-text").textContent = scene.at_text;
  document.querySelector("[data-facts]").innerHTML = scene.facts_html;
  const events = strip.data ? strip.eventsAt(time) : [];
  part("event-text").textContent = events.map((one) => [one.text, one.cover].filter(Boolean).join(" · ")).join(" — ");
  later(() => settle(time));
}

function failed() {
  const message = document.createElement("div");
  message.className = "chart-state";
  const again = document.createElement("button");
  Object.assign(again, { type: "button", className: "btn btn-ghost", textContent: root.dataset.again });
  again.addEventListener("click", start);
  message.append(root.dataset.failed, again);
  part("map-room").replaceChildren(message);
}

// When the cursor rests: the address, the tables and the open panel follow.
let resting = 0;
function later(act) {
  clearTimeout(resting);
  resting = setTimeout(act, 500);
}

async function settle(time) {
  const page = address(root.dataset.page, time);
  history.replaceState(null, "", page);
  if (side.dataset.key) openBlock(side.dataset.key, { quiet: true });
  const answer = await fetch(page);
  if (!answer.ok || state.at !== time) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.getElementById("table-positions").replaceWith(fresh.getElementById("table-positions"));
}

// --- side panel -------------------------------------------------------------------------------

const side = part("side");

async function openBlock(key, { quiet = false } = {}) {
  const group = picture.groups.get(key);
  const slot = picture.layout.slots.find((one) => one.key === key);
  if (!group || !slot) {
    closeSide();
    return;
  }
  const answer = await fetch(slot.node.url);
  if (!answer.ok) return;
  side.innerHTML = await answer.text();
  side.dataset.key = key;
  root.classList.add("with-side");
  picture.choose(key);
  side.querySelector("[data-side-close]").addEventListener("click", closeSide);
  if (!quiet) side.focus();
}

function closeSide() {
  const { key } = side.dataset;
  delete side.dataset.key;
  side.replaceChildren();
  root.classList.remove("with-side");
  picture.choose(null);
  if (key) picture.focus(key);
}

// --- mouse and keys ---------------------------------------------------------------------------

const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

picture.svg.addEventListener("click", (event) => {
  const group = event.target.closest(".block");
  if (!group) return;
  picture.rove(group.dataset.key);
  openBlock(group.dataset.key);
});

picture.svg.addEventListener("keydown", (event) => {
  const key = event.target.closest(".block")?.dataset.key;
  if (!key) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    openBlock(key);
  } else if (ARROWS[event.key]) {
    event.preventDefault();
    const next = neighbour(picture.layout, key, ARROWS[event.key]);
    if (next) picture.focus(next.key);
  }
});

root.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && side.dataset.key) closeSide();
});

// --- controls ---------------------------------------------------------------------------------

function step(direction) {
  const time = strip.stop(direction);
  if (time !== null) moveTo(time);
  return time;
}

for (const button of root.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => {
    pause();
    step(Number(button.dataset.step));
  });
}

function play() {
  if (strip.stop(1) === null) moveTo(strip.first);
  state.playing = setInterval(() => step(1) ?? pause(), 1100);
  mark(true);
}

function pause() {
  clearInterval(state.playing);
  state.playing = null;
  mark(false);
}

function mark(playing) {
  const button = part("play");
  button.setAttribute("aria-pressed", String(playing));
  button.classList.toggle("playing", playing);
  button.querySelector("[data-word]").textContent = playing ? button.dataset.pause : button.dataset.playWord;
}

part("play").addEventListener("click", () => (state.playing ? pause() : play()));
part("window-choice").value = state.window;
part("window-choice").addEventListener("change", (event) => {
  state.window = event.target.value;
  moveTo(state.at);
});
part("colour-choice").addEventListener("change", (event) => {
  picture.colourBy = event.target.value;
  picture.redraw();
});

async function start() {
  part("needs-script").hidden = false;
  try {
    const answer = await fetch(root.dataset.strip);
    strip.load(await answer.json());
    const end = await fetch(`${root.dataset.scene}?window=0`);
    picture.largest = tallest(await end.json());
    await moveTo(state.at);
  } catch {
    failed();
  }
}

new ResizeObserver(() => {
  picture.redraw();
  strip.draw();
}).observe(part("map-room"));

start();
