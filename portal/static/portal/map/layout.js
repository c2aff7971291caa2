// Geometry of the map, pure: a scene (numbers) and a size in, rectangles and ribbons out.
//
// A block's slot is as high as the largest of what stands in it, came in and went out: blocks that
// value only passed through keep their place. Ribbons enter on the left and leave on the right.

const LEAST = 3; // a block that holds anything can be seen
const NARROW = 0.42; // an empty column's share of a full one

export const keyOf = (place, node) => `${place}|${node}`;

// The tallest column of a scene, in money: what the scale of a story is measured by.
export function tallest(scene) {
  const sums = new Map();
  for (const slot of slotsOf(scene).values()) {
    sums.set(slot.node.place, (sums.get(slot.node.place) ?? 0) + slot.value);
  }
  return Math.max(0, ...sums.values());
}

export function layOut(scene, size, largest = 0) {
  const slots = slotsOf(scene);
  const columns = columnsOf(scene, slots, size);
  const scale = scaleOf(slots, columns, size, largest);
  placeSlots(slots, columns, scale, size);
  return { columns, slots: [...slots.values()], ribbons: ribbonsOf(scene, slots, scale), scale };
}

function slotsOf(scene) {
  const slots = new Map();
  for (const node of scene.nodes) {
    slots.set(keyOf(node.place, node.key), {
      key: keyOf(node.place, node.key),
      node,
      stock: node.market + node.left_out,
      came: 0,
      went: 0,
    });
  }
  for (const ribbon of scene.ribbons) {
    slots.get(keyOf(...ribbon.target)).came += ribbon.made;
    if (ribbon.source) slots.get(keyOf(...ribbon.source)).went += ribbon.given;
  }
  for (const slot of slots.values()) slot.value = Math.max(slot.stock, slot.came, slot.went);
  return slots;
}

function columnsOf(scene, slots, size) {
  const filled = new Set([...slots.values()].map((slot) => slot.node.place));
  const weights = scene.columns.map((column) => (filled.has(column.key) ? 1 : NARROW));
  const pitch = size.width / weights.reduce((sum, one) => sum + one, 0);
  let left = 0;
  return scene.columns.map((column, index) => {
    const width = weights[index] * pitch;
    const place = { ...column, left, width, filled: filled.has(column.key) };
    left += width;
    return place;
  });
}

function scaleOf(slots, columns, size, largest) {
  let scale = Infinity;
  for (const column of columns) {
    const members = [...slots.values()].filter((slot) => slot.node.place === column.key);
    const total = members.reduce((sum, slot) => sum + slot.value, 0);
    const room = size.height - size.head - members.length * size.label;
    if (total > 0) scale = Math.min(scale, room / Math.max(total, largest));
  }
  return Number.isFinite(scale) ? scale : 0;
}

function placeSlots(slots, columns, scale, size) {
  for (const column of columns) {
    const members = [...slots.values()].filter((slot) => slot.node.place === column.key);
    const heights = members.map((slot) => Math.max(slot.value * scale, LEAST));
    const used = heights.reduce((sum, one) => sum + one, 0) + members.length * size.label;
    // A column stands in the middle of the map, so that ribbons run level.
    let top = size.head + Math.max(0, (size.height - size.head - used) / 2);
    members.forEach((slot, index) => {
      const width = Math.min(size.block, column.width * 0.6);
      slot.x = column.left + (column.width - width) / 2;
      slot.y = top + size.label;
      slot.width = width;
      slot.height = heights[index];
      slot.room = column.width - 8;
      slot.block = blockOf(slot, scale);
      top += size.label + heights[index];
    });
  }
}

// The parts of a block from the bottom: lending value, the part not lent, what does not count.
function blockOf(slot, scale) {
  const height = slot.stock > 0 ? Math.max(slot.stock * scale, LEAST) : 0;
  const share = (value) => (slot.stock > 0 ? (value / slot.stock) * height : 0);
  return {
    top: slot.y + slot.height - height,
    height,
    lent: share(slot.node.lending),
    left: share(slot.node.left_out),
  };
}

function ribbonsOf(scene, slots, scale) {
  const ribbons = scene.ribbons.map((ribbon) => ({
    ribbon,
    source: ribbon.source ? slots.get(keyOf(...ribbon.source)) : null,
    target: slots.get(keyOf(...ribbon.target)),
    start: Math.max(ribbon.given * scale, 1),
    end: Math.max(ribbon.made * scale, 1),
  }));
  stack(ribbons, "target", "source", "end", "y2");
  stack(ribbons, "source", "target", "start", "y1");
  for (const one of ribbons) one.path = one.source ? pathOf(one) : stubOf(one);
  return ribbons;
}

// Ribbons at one side of a block lie in the order of their other ends: fewer crossings.
function stack(ribbons, side, other, width, y) {
  const groups = Map.groupBy
    ? Map.groupBy(ribbons, (one) => one[side])
    : ribbons.reduce((map, one) => map.set(one[side], [...(map.get(one[side]) ?? []), one]), new Map());
  for (const [slot, members] of groups) {
    if (!slot) continue;
    members.sort((a, b) => (a[other]?.y ?? 0) - (b[other]?.y ?? 0));
    const total = members.reduce((sum, one) => sum + one[width], 0);
    let at = slot.y + Math.max(0, slot.height - total);
    for (const one of members) {
      one[y] = at;
      at += one[width];
    }
  }
}

function pathOf({ source, target, y1, y2, start, end }) {
  const x1 = source.x + source.width;
  const x2 = target.x;
  const bend = Math.max((x2 - x1) / 2, 30);
  const n = (value) => value.toFixed(1);
  return (
    `M${n(x1)} ${n(y1)}C${n(x1 + bend)} ${n(y1)} ${n(x2 - bend)} ${n(y2)} ${n(x2)} ${n(y2)}` +
    `L${n(x2)} ${n(y2 + end)}C${n(x2 - bend)} ${n(y2 + end)} ${n(x1 + bend)} ${n(y1 + start)} ${n(x1)} ${n(y1 + start)}Z`
  );
}

// What comes from outside the pool: a short arrow into the block.
function stubOf({ target, y2, end }) {
  const length = Math.min(26, Math.max(target.x - 2, 8));
  const n = (value) => value.toFixed(1);
  return `M${n(target.x - length)} ${n(y2)}L${n(target.x)} ${n(y2)}L${n(target.x)} ${n(y2 + end)}L${n(target.x - length)} ${n(y2 + end)}L${n(target.x - length + 6)} ${n(y2 + end / 2)}Z`;
}

// The block that an arrow key leads to, or null.
export function neighbour(layout, key, direction) {
  const order = layout.columns.map((column) => column.key);
  const here = layout.slots.find((slot) => slot.key === key);
  if (!here) return layout.slots[0] ?? null;
  const column = (slot) => order.indexOf(slot.node.place);
  const middle = (slot) => slot.y + slot.height / 2;
  const away = (slot) => Math.abs(middle(slot) - middle(here));
  const closest = (slots) => slots.sort((a, b) => away(a) - away(b))[0] ?? null;
  if (direction === "up" || direction === "down") {
    const sign = direction === "up" ? -1 : 1;
    return closest(
      layout.slots.filter((slot) => column(slot) === column(here) && sign * (middle(slot) - middle(here)) > 0.1),
    );
  }
  const sign = direction === "left" ? -1 : 1;
  const beyond = layout.slots.filter((slot) => sign * (column(slot) - column(here)) > 0);
  const nearest = Math.min(...beyond.map((slot) => Math.abs(column(slot) - column(here))));
  return closest(beyond.filter((slot) => Math.abs(column(slot) - column(here)) === nearest));
}
