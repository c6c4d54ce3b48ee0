// Brings the page to life: group, filters, charts as they come into view, table, theme.
const CHARTS = [
  ["quality", "Energy against quality", qualityChart, true], ["components", "Energy by component, and how it is known", componentsChart], ["roles", "Specialist against general-purpose", rolesChart],
  ["parameters", "Energy by number of parameters", parametersChart], ["batch", "Precision and batch size", batchChart], ["latency", "Latency", latencyChart], ["lower-bound", "Distance from the energy lower bound", lowerBoundChart], ["stages", "Stages of an inference", stagesChart],
];
const onScreen = new Set(), near = new Set(), stale = new Set();

function draw(id) {
  stale.delete(id);
  const [, , chart] = CHARTS.find(([name]) => name === id), figure = byId(`chart-${id}`), group = groupOf(state.g), some = filtered();
  const drawn = some.length || id === "roles" ? chart(some, group) : { text: "No run is left by these filters." };
  figure.querySelector(".say").textContent = drawn.text;
  figure.classList.toggle("empty", !drawn.traces);
  const more = figure.querySelector("details"), plot = figure.querySelector(".plot");
  more.hidden = !drawn.traces;
  if (!drawn.traces) return Plotly.purge(plot);
  more.querySelector(".scroll").replaceChildren(rowsTable(drawn.text, drawn.heads, drawn.body));
  plot.setAttribute("aria-label", drawn.text);
  Plotly.react(plot, drawn.traces, themed(drawn.layout), CONFIG);
  if (!plot.dataset.heard) {
    plot.dataset.heard = "1";
    plot.on("plotly_click", ({ points }) => { const run = runs[points[0].customdata]; if (run) set({ pick: [...without(state.pick, short(run)), short(run)].slice(-2) }, true); });
  }
}
// After what is typed was painted: the charts on the screen, as many at once as may hold up what is typed next, since each
// go is laid out and painted once; then, when nothing was typed for a while, those near it, one at a time
const REST_MS = 200, GO_MS = 60;
let drawing = 0, resting = 0;
function drawStale() {
  const [seen, nearly] = [onScreen, near].map((some) => CHARTS.map(([id]) => id).filter((id) => stale.has(id) && some.has(id)));
  byId("charts").setAttribute("aria-busy", String(seen.length > 0));
  cancelAnimationFrame(drawing);
  clearTimeout(resting);
  if (seen.length) drawing = requestAnimationFrame(() => setTimeout(() => { const began = performance.now(); seen.forEach((id) => { if (stale.has(id) && performance.now() - began < GO_MS) draw(id); }); drawStale(); }));
  else if (nearly.length) resting = setTimeout(() => { draw(nearly[0]); drawStale(); }, REST_MS);
}
function facet(name) {
  const counts = new Map(groupOf(state.g).runs.map((at) => [String(runs[at][name] ?? ""), 0]));
  filtered(name).forEach((run) => counts.set(String(run[name] ?? ""), (counts.get(String(run[name] ?? "")) || 0) + 1));
  if (counts.size < 2 && !state[name].length) return null;
  const names = [...counts.keys()].sort(inOrder);
  return make("details", { class: `facet${state[name].length ? " on" : ""}`, "data-facet": name }, make("summary", {}, `${FACETS[name]}${state[name].length ? ` (${state[name].length})` : ""}`),
    make("div", { role: "group", "aria-label": FACETS[name] }, ...names.map((value) => make("label", {}, make("input", { type: "checkbox", value, checked: state[name].includes(value), onchange: () => set({ [name]: toggled(state[name], value) }) }), value || "unknown", make("span", {}, String(counts.get(value)))))));
}
function controls() {
  const open = [...document.querySelectorAll(".facet[open]")].map((details) => details.dataset.facet);
  const focus = document.activeElement, kept = focus?.closest?.("#controls") ? [focus.id, focus.closest(".facet")?.dataset.facet, focus.value] : null;
  const search = byId("search") || make("input", { type: "search", id: "search", placeholder: "Search runs", "aria-label": "Search runs", oninput: (event) => set({ q: event.target.value }) });
  if (search.value !== state.q) search.value = state.q;
  const limit = (id, name, label, step) => {
    const field = byId(id) || make("input", { type: "number", id, step, min: 0, inputmode: "decimal", "aria-label": label, placeholder: label, oninput: (event) => set({ [name]: event.target.value }) });
    if (field.value !== state[name] && document.activeElement !== field) field.value = state[name];
    return field;
  };
  const judged = groupOf(state.g).runs.some((at) => runs[at].quality !== null);
  const typed = [search, ...(judged || state.qmin ? [limit("quality-min", "qmin", "Quality at least", "0.01")] : []), limit("p95-max", "p95max", "p95 at most (ms)", "1")];
  const some = groupOf(state.g).runs.some((at) => !runs[at].ranked || runs[at].verdict === "doubtful") && groupOf(state.g).runs.some((at) => runs[at].ranked && runs[at].verdict !== "doubtful");
  const changed = toHash().replace(/(^|&)(g|theme|sort|dir|page)=[^&]*/g, "");
  const others = [...Object.keys(FACETS).map(facet),
    some || state.sound ? make("button", { type: "button", id: "sound", "aria-pressed": String(state.sound), onclick: () => set({ sound: !state.sound }) }, "Only sound runs") : null,
    make("label", { class: "quiet" }, "Colour ", make("select", { id: "colour", onchange: (event) => set({ colour: event.target.value }, true) }, ...["model", "precision", "role", "batch"].map((name) => make("option", { value: name, selected: state.colour === name }, name)))),
    state.hide.length ? make("button", { type: "button", id: "unhide", onclick: () => set({ hide: [] }) }, `Show ${many(state.hide.length, "hidden run")}`) : null,
    changed ? make("button", { type: "button", id: "reset", onclick: () => set({ ...EMPTY, g: state.g, theme: state.theme }) }, "Reset") : null].filter(Boolean);
  // The fields stay where they are: one that is taken out while one types in it loses its place
  const box = byId("controls"), bar = box.firstChild || box.appendChild(make("div", { class: "bar" }));
  [...bar.children].filter((field) => !typed.includes(field)).forEach((field) => field.remove());
  bar.append(...typed.filter((field) => !bar.contains(field)), ...others);
  open.forEach((name) => document.querySelector(`.facet[data-facet="${name}"]`)?.setAttribute("open", ""));
  if (kept && !typed.some((field) => field.id === kept[0])) (kept[0] ? byId(kept[0]) : [...document.querySelectorAll(`.facet[data-facet="${kept[1]}"] input`)].find((input) => input.value === kept[2]))?.focus();
}
// The cheapest run of the view that meets the constraints of the report, and whether the next one differs from it
function leastOf(some, group) {
  const order = cheapest(some.filter((run) => keptOf(group).has(run.at)));
  if (!order.length) return some.length ? "No run of this view may be recommended." : "";
  const [first] = order, next = order.find((run) => run.name !== first.name);
  const result = next && verdict(first, next, group.verdicts);
  const lead = !next ? "" : result.outcome === "A" ? `; the next, ${next.name}, takes ${times(result.ratio)} that` : `; ${result.outcome === "tie" ? "a tie with" : "not established against"} ${next.name}`;
  return `Least energy of these that meet the constraints: ${first.name}, ${plusMinus(first.energy, first.half)} per 1,000${ranksByDynamic() ? ", dynamic" : ""}${lead}.`;
}
let shownGroup = "", shown = "";
function show() {
  const group = groupOf(state.g), some = filtered();
  applyTheme();
  if (shownGroup !== group.id) {
    document.querySelectorAll(".recommendation[data-group]").forEach((article) => { article.hidden = article.dataset.group !== group.id; });
    byId("group").value = group.id;
    document.querySelectorAll("#tasks a").forEach((link) => link.setAttribute("aria-current", String(groupOf(new URLSearchParams(link.hash.slice(1)).get("g")).task === group.task)));
    shownGroup = group.id;
  }
  byId("count").textContent = `${some.length.toLocaleString("en-US")} of ${many(group.runs.length, "run")}`;
  byId("least").textContent = leastOf(some, group);
  controls();
  drawTable(byId("table"), some);
  comparison(byId("compared"));
  const seen = `${group.id} ${document.documentElement.dataset.theme} ${innerWidth < 560}`;
  // Specialists against general-purpose models are drawn over all groups: a filter changes nothing there
  CHARTS.forEach(([id]) => { if (id !== "roles" || seen !== shown) stale.add(id); });
  shown = seen;
  drawStale();
}
function applyTheme() {
  if (showTheme(state.theme)) drawGiven();
}
function start() {
  byId("theme").hidden = false;
  byId("theme").addEventListener("click", () => { state.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; if (groups.length) set({}, true); else applyTheme(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (groups.length ? show() : applyTheme()));
  if (!groups.length) return applyTheme();
  const select = byId("group");
  for (const task of new Set(groups.map((group) => group.task)))
    select.append(make("optgroup", { label: spoken(task) }, ...groups.filter((group) => group.task === task).map((group) => make("option", { value: group.id }, `${spoken(task)} · ${group.title} (${many(group.runs.length, "setting")})`))));
  select.addEventListener("change", () => set({ ...EMPTY, g: select.value, theme: state.theme, colour: state.colour }));
  byId("chooser").hidden = groups.length < 2;
  byId("live").hidden = false;
  copyable();
  for (const [id, title, , whole] of CHARTS)
    byId("charts").append(make("figure", { class: `chart${whole ? " whole" : ""}`, id: `chart-${id}`, "aria-labelledby": `title-${id}` }, make("h2", { id: `title-${id}` }, title), make("figcaption", { class: "say" }), make("div", { class: "plot", role: "img" }), make("details", {}, make("summary", {}, "As a table"), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, as a table` }))));
  for (const [some, rootMargin] of [[onScreen, "0px"], [near, "300px"]]) {
    const watch = new IntersectionObserver((seen) => { seen.forEach((entry) => some[entry.isIntersecting ? "add" : "delete"](entry.target.id.slice(6))); drawStale(); }, { rootMargin });
    document.querySelectorAll("figure.chart").forEach((figure) => watch.observe(figure));
  }
  // A plain anchor is a place on the page, not a view
  addEventListener("hashchange", () => { if (location.hash && !location.hash.includes("=")) return; state = fromHash(); show(); });
  // A browser tells of paper before it lays the page out for it: charts are given a width that fits A4 and Letter
  addEventListener("beforeprint", () => { printing = true; document.documentElement.dataset.theme = "light"; PALETTE.clear(); CHARTS.forEach(([id]) => draw(id)); });
  addEventListener("afterprint", () => { printing = false; shown = ""; show(); });
  document.addEventListener("click", (event) => document.querySelectorAll(".facet[open]").forEach((details) => { if (!details.contains(event.target) && event.target.isConnected) details.removeAttribute("open"); }));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") document.querySelectorAll(".facet[open]").forEach((details) => details.removeAttribute("open")); });
  show();
}
start();
