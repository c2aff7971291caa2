// What every page shares: the search dialog with its keys, printing, exact values on focus.
const dialog = document.querySelector("[data-search]");

function openSearch() {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("input").select();
}

function isTyping(element) {
  return element.closest("input, textarea, select, [contenteditable=true]") !== null;
}

function onKey(event) {
  const combined = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
  const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !isTyping(event.target);
  if (!combined && !slash) return;
  event.preventDefault();
  openSearch();
}

// Arrow keys walk from the field through the hits.
function walkHits(event) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const stops = [dialog.querySelector("input"), ...dialog.querySelectorAll(".search-hit")];
  const at = stops.indexOf(document.activeElement);
  const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

document.addEventListener("keydown", onKey);
document.querySelector("[data-search-open]")?.addEventListener("click", openSearch);
dialog?.addEventListener("keydown", walkHits);
dialog?.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());

// A slider says its value beside its label.
document.addEventListener("input", (event) => {
  const told = event.target.id && document.querySelector(`output[for="${event.target.id}"]`);
  if (told) told.textContent = event.target.value;
});
