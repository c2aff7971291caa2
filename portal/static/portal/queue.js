// The queue by keys: J and K move from one waiting row to the next, Enter follows its link.
const links = [...document.querySelectorAll("[data-queue] .alert-text > div > a")];

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog");
  const step = { j: 1, k: -1 }[event.key];
  if (!step || typing || event.ctrlKey || event.metaKey || event.altKey || links.length === 0) return;
  const here = links.indexOf(document.activeElement);
  const next = here < 0 ? 0 : (here + step + links.length) % links.length;
  links[next].focus();
  event.preventDefault();
});
