// Search, a list of values for each column of texts, bounds for the numbers, and the axes.
const LISTED = 200; // values of a column that its list shows at once
const FACETS = TEXTS.filter((column) => column.values.length > 1 && !["boundary", "settings"].includes(column.name)), facets = new Map();
const without = (list, item) => list.filter((kept) => kept !== item);
function choose(name, value, on) {
  const values = without(state.chosen[name] || [], value), chosen = { ...state.chosen, [name]: on ? [...values, value] : values };
  if (!chosen[name].length) delete chosen[name];
  set({ chosen });
}
function makeFacet(column) {
  const box = make("div", { role: "group", "aria-label": column.label }), summary = make("summary", {}, column.label);
  const find = make("input", { type: "search", placeholder: "Find a value", "aria-label": `Find a value of ${column.label}`, hidden: true, oninput: () => fillFacet(column) }), list = make("div", { class: "values" });
  box.append(find, list);
  const details = make("details", { class: "facet", "data-facet": column.name, ontoggle: () => { if (details.open) fillFacet(column); } }, summary, box);
  facets.set(column.name, { details, summary, list, find });
  return details;
}
function fillFacet(column) {
  const { list, find } = facets.get(column.name), counts = countsOf(column), chosen = state.chosen[column.name] || [], term = find.value.toLowerCase();
  const names = [...counts.keys()].filter((value) => !term || value.toLowerCase().includes(term)).sort((a, b) => counts.get(b) - counts.get(a) || inOrder(a, b)), focus = document.activeElement?.closest?.(".values") === list ? document.activeElement.value : null;
  const shown = [...names.filter((value) => chosen.includes(value)), ...names.filter((value) => !chosen.includes(value))].slice(0, LISTED);
  find.hidden = counts.size <= 12;
  list.replaceChildren(...shown.map((value) => make("label", {}, make("input", { type: "checkbox", value, checked: chosen.includes(value), onchange: (event) => choose(column.name, value, event.target.checked) }), value || column.empty, make("span", {}, counts.get(value).toLocaleString("en-US")))), names.length > LISTED ? make("p", { class: "fine" }, `${(names.length - LISTED).toLocaleString("en-US")} more: find them by a part of their name`) : "");
  if (focus !== null) [...list.querySelectorAll("input")].find((input) => input.value === focus)?.focus();
}
const bounds = new Map();
function makeBounds() {
  const field = (column, kind, label) => {
    const input = make("input", { type: "number", step: "any", inputmode: "decimal", placeholder: label, "aria-label": `${column.label} ${label}`, "data-bound": `${kind}.${column.name}`, oninput: (event) => set({ [kind]: { ...state[kind], [column.name]: event.target.value } }, 150) });
    bounds.set(`${kind}.${column.name}`, input);
    return input;
  };
  const rows = NUMBERS.filter((column) => column.format !== "day").map((column) => make("div", { class: "bound" }, make("span", {}, [column.label, UNITS[column.format] && `(${UNITS[column.format]})`].filter(Boolean).join(" ")), field(column, "least", "min"), field(column, "most", "max")));
  const summary = make("summary", {}, "bounds"), details = make("details", { class: "facet", "data-facet": "bounds" }, summary, make("div", { role: "group", "aria-label": "Bounds" }, ...rows));
  facets.set("bounds", { details, summary });
  return details;
}
const choice = (id, label, columns, value, change) => make("label", { class: "quiet" }, `${label} `, make("select", { id, onchange: (event) => change(event.target.value) }, ...columns.map((column) => make("option", { value: column.name, selected: column.name === value }, column.label))));
const PRESETS = [["Energy and quality", "quality"], ["Energy and parameters", "parameters"], ["Energy and load", "rate_per_s"], ["Energy and latency", "p50_s"]];
function makeControls() {
  byId("controls").append(make("input", { type: "search", id: "search", placeholder: "Search rows", "aria-label": "Search rows", oninput: (event) => set({ q: event.target.value }, 150) }), ...FACETS.map(makeFacet), makeBounds(),
    make("button", { type: "button", id: "unbrush", class: "quiet", hidden: true, onclick: () => set({ box: "" }) }, "Clear brush"), make("button", { type: "button", id: "reset", class: "quiet", hidden: true, onclick: () => set({ ...EMPTY, theme: state.theme, chosen: {}, least: {}, most: {} }) }, "Reset"));
  const axis = (name) => make("span", { class: "axis" }, choice(name, name === "x" ? "Across" : "Up", NUMBERS, state[name], (value) => set({ [name]: value, [`${name}scale`]: "", box: "" })), make("button", { type: "button", id: `${name}scale`, class: "quiet", "aria-label": `Logarithmic axis ${name === "x" ? "across" : "up"}`, onclick: () => set({ [`${name}scale`]: isLog(name) ? "linear" : "log" }) }, "log"));
  byId("axes").append(axis("x"), axis("y"), choice("colour", "Colour", [...TEXTS, ...NUMBERS], state.colour, (value) => set({ colour: value })));
  byId("presets").append(...PRESETS.filter(([, y]) => COLUMNS.has(y) && EMPTY.x !== y).map(([label, y]) => make("button", { type: "button", class: "quiet", "data-preset": y, onclick: () => set({ x: EMPTY.x, y, xscale: "", yscale: "", box: "" }) }, label)));
  byId("csv").addEventListener("click", saveCsv);
}
function refreshControls() {
  const search = byId("search");
  if (search.value !== state.q) search.value = state.q;
  for (const column of FACETS) {
    const { details, summary } = facets.get(column.name), count = (state.chosen[column.name] || []).length;
    summary.textContent = count ? `${column.label} (${count})` : column.label;
    details.classList.toggle("on", count > 0);
    if (details.open) fillFacet(column);
  }
  for (const [key, input] of bounds) {
    const [kind, name] = key.split("."), value = state[kind][name] || "";
    if (input.value !== value && document.activeElement !== input) input.value = value;
  }
  const used = [...Object.values(state.least), ...Object.values(state.most)].filter((value) => value !== "").length, { details, summary } = facets.get("bounds");
  summary.textContent = used ? `bounds (${used})` : "bounds";
  details.classList.toggle("on", used > 0);
  for (const name of ["x", "y", "colour"]) byId(name).value = state[name];
  for (const axis of ["x", "y"]) byId(`${axis}scale`).setAttribute("aria-pressed", String(isLog(axis)));
  document.querySelectorAll("[data-preset]").forEach((button) => button.setAttribute("aria-pressed", String(state.x === EMPTY.x && state.y === button.dataset.preset)));
  byId("unbrush").hidden = !boxOf();
  byId("reset").hidden = !toHash().replace(/(^|&)(theme|pick)=[^&]*/g, "");
}
