// What is shown, kept in the address, so that a view can be sent; and the runs that it leaves.
const FACETS = { model: "Model", role: "Role", precision: "Precision", batch: "Batch" };
const EMPTY = { g: "", q: "", sort: "energy", dir: "up", page: 0, pick: [], hide: [], sound: false, qmin: "", p95max: "", colour: "model", theme: "", model: [], role: [], precision: [], batch: [] };
const LISTS = ["pick", "hide", ...Object.keys(FACETS)];
let state = fromHash();

function fromHash() {
  const parameters = new URLSearchParams(location.hash.slice(1)), result = { ...EMPTY };
  for (const name of Object.keys(EMPTY)) {
    if (!parameters.has(name)) continue;
    const value = parameters.get(name);
    if (LISTS.includes(name)) result[name] = parameters.getAll(name);
    else if (name === "page") result.page = Math.max(0, Number.parseInt(value, 10) || 0);
    else result[name] = name === "sound" ? value === "1" : value;
  }
  if (!groups.some((group) => group.id === result.g)) result.g = groups.length ? groups[data.first].id : "";
  return result;
}
function toHash() {
  const parameters = new URLSearchParams();
  for (const [name, empty] of Object.entries(EMPTY)) {
    const value = state[name];
    if (LISTS.includes(name)) value.forEach((item) => parameters.append(name, item));
    else if (name === "g" ? groups.length && value !== groups[data.first].id : value !== empty) parameters.set(name, value === true ? "1" : value);
  }
  return parameters.toString();
}
function set(changes, keepsPage = false) {
  state = { ...state, ...(keepsPage ? {} : { page: 0 }), ...changes };
  const hash = toHash();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  show();
}
const without = (list, item) => list.filter((kept) => kept !== item);
const toggled = (list, item) => (list.includes(item) ? without(list, item) : [...list, item]);
const short = (run) => run.id.slice(0, 12);

// The runs of the group that the filters leave; `but` names a facet that does not count, for its own numbers
const LEFT = new WeakMap(); // a filter makes a new state, so that what one leaves is found once
function filtered(but = "") {
  const facet = state[but]?.length ? but : "", known = LEFT.get(state) || LEFT.set(state, new Map()).get(state);
  return known.get(facet) || known.set(facet, left(facet)).get(facet);
}
function left(but) {
  const hidden = new Set(state.hide), terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const least = bound(state.qmin), most = bound(state.p95max);
  const selected = Object.keys(FACETS).filter((name) => name !== but && state[name].length).map((name) => [name, new Set(state[name])]);
  return groupOf(state.g).runs.map((at) => runs[at]).filter((run) =>
    !hidden.has(short(run)) &&
    (!state.sound || (run.ranked && run.verdict !== "doubtful")) &&
    selected.every(([name, some]) => some.has(String(run[name] ?? ""))) &&
    (least === null || (run.quality !== null && run.quality >= least)) && (most === null || (run.p95 ?? Infinity) * 1000 <= most) &&
    terms.every((term) => run.search.includes(term)));
}
// What a limit's field says: null where it says nothing that is a number
function bound(text) {
  const value = Number.parseFloat(text);
  return Number.isFinite(value) ? value : null;
}
