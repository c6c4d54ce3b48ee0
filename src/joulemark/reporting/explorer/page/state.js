// What is shown, kept in the address, so that a view can be sent.
const first = (...names) => names.find((name) => COLUMNS.has(name)) || "";
const varied = (name) => (COLUMNS.get(name)?.values.length || 0) > 1;
const EMPTY = {
  x: first("total_wh_per_1k", "gpu_wh_per_1k", ...NUMBERS.map((column) => column.name)), y: first("quality", "parameters", "p50_s", ...NUMBERS.map((column) => column.name)),
  colour: varied("task") ? "task" : varied("source") ? "source" : first("model"), xscale: "", yscale: "", sort: first("began", "model"), dir: COLUMNS.has("began") ? "down" : "up", q: "", box: "", pick: "", theme: "",
};
let state = fromHash();

// Filters are `in.COLUMN` (texts, each a value that is let through) and `min.COLUMN`, `max.COLUMN`
function fromHash() {
  const parameters = new URLSearchParams(location.hash.slice(1)), result = { ...EMPTY, chosen: {}, least: {}, most: {} };
  for (const [key, value] of parameters) {
    const [kind, name] = [key.slice(0, key.indexOf(".")), key.slice(key.indexOf(".") + 1)], column = COLUMNS.get(name);
    if (key in EMPTY) result[key] = value;
    else if (kind === "in" && column?.text) (result.chosen[name] ||= []).push(value);
    else if (kind === "min" && column && !column.text) result.least[name] = value;
    else if (kind === "max" && column && !column.text) result.most[name] = value;
  }
  for (const axis of ["x", "y"]) if (!COLUMNS.get(result[axis]) || COLUMNS.get(result[axis]).text) result[axis] = EMPTY[axis];
  for (const name of ["colour", "sort"]) if (!COLUMNS.has(result[name])) result[name] = EMPTY[name];
  return result;
}
function toHash() {
  const parameters = new URLSearchParams();
  for (const [name, empty] of Object.entries(EMPTY)) if (state[name] !== empty) parameters.set(name, state[name]);
  for (const [name, values] of Object.entries(state.chosen)) values.forEach((value) => parameters.append(`in.${name}`, value));
  for (const [kind, bounds] of [["min", state.least], ["max", state.most]]) for (const [name, value] of Object.entries(bounds)) if (value !== "") parameters.set(`${kind}.${name}`, value);
  return parameters.toString();
}
function set(changes, rest = 0) {
  state = { ...state, ...changes };
  const hash = toHash();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  show(rest);
}
// The rectangle of the brush in the units of the axes: null where there is none
function boxOf() {
  const ends = state.box.split(",").map(Number);
  return state.box && ends.length === 4 && ends.every(Number.isFinite) ? ends : null;
}
const isLog = (axis) => (state[`${axis}scale`] ? state[`${axis}scale`] === "log" : COLUMNS.get(state[axis]).log);
