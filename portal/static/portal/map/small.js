// The small map on Home: the same picture without labels; a picture, not a control.
import { MapPicture } from "./draw.js";

for (const room of document.querySelectorAll("[data-small-map]")) {
  const picture = new MapPicture(room, { small: true });
  fetch(room.dataset.scene)
    .then((answer) => answer.json())
    .then((scene) => picture.show(scene))
    .catch(() => room.replaceChildren(room.dataset.failed ?? ""));
  new ResizeObserver(() => picture.redraw()).observe(room);
}
