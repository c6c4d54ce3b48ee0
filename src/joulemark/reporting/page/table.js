// Every run of the view as a table that sorts, picks and hides; a page at a time.
const ROWS_SHOWN = innerWidth < 560 ? 20 : 50;
const HEADS = [
  ["model", "run", (run) => run.model], ["energy", "energy per 1,000", (run) => run.energy], ["other", "dynamic (above idle)", (run) => (ranksByDynamic() ? run.gross : run.dynamic_wh)], ["quality", "quality", (run) => run.quality], ["with", "settings", (run) => run.with], ["verdict", "verdict", (run) => run.verdict], ["role", "role", (run) => run.role],
  ["p50", "p50", (run) => run.p50], ["p95", "p95", (run) => run.p95], ["rate", "requests/s", (run) => run.rate], ["memory", "GPU memory", (run) => run.memory], ["parameters", "parameters", (run) => run.parameters],
  ["estimated", "estimated", (run) => run.estimated], ["lower_bound", "× lower bound", (run) => run.lower_bound_ratio], ["began", "when", (run) => run.began],
];
const TEXTUAL = ["model", "with", "role", "verdict"];
function sorted(some) {
  const read = (HEADS.find(([name]) => name === state.sort) || HEADS[1])[2], sign = state.dir === "down" ? -1 : 1;
  return some.map((run) => [read(run), run]).sort(([a, x], [b, y]) => {
    const none = (value) => value === null || value === undefined;
    if (none(a) || none(b)) return none(a) - none(b) || x.energy - y.energy; // what is not available comes last, either way
    return sign * (typeof a === "string" ? inOrder(a, b) : a - b) || x.energy - y.energy;
  }).map(([, run]) => run);
}
function heads() {
  const shown = HEADS.filter(([name, , read]) => !["other", "memory", "lower_bound", "parameters", "rate"].includes(name) || groupOf(state.g).runs.some((at) => read(runs[at]) !== null && read(runs[at]) !== undefined));
  const labels = ranksByDynamic() ? { energy: "dynamic energy per 1,000", other: "gross energy" } : {};
  return shown.map(([name, label]) => make("th", { scope: "col", class: TEXTUAL.includes(name) ? null : "n", "aria-sort": state.sort === name ? (state.dir === "down" ? "descending" : "ascending") : null },
    make("button", { type: "button", "data-sort": name, onclick: () => { set({ sort: name, dir: state.sort === name && state.dir === "up" ? "down" : "up" }); document.querySelector(`[data-sort="${name}"]`)?.focus(); } }, labels[name] || label)));
}
function tableRow(run, group, names) {
  const cells = {
    with: run.with, role: run.role, energy: plusMinus(run.energy, run.half), other: ranksByDynamic() ? plusMinus(run.gross, run.gross_half) : plusMinus(run.dynamic_wh, run.dynamic_half ?? null), quality: run.random ? "random weights" : digits(run.quality), p50: seconds(run.p50 ?? null), p95: seconds(run.p95 ?? null), rate: digits(run.rate ?? null),
    memory: bytes(run.memory ?? null), parameters: counted(run.parameters), estimated: percent(run.estimated ?? null), lower_bound: times(run.lower_bound_ratio ?? null), began: new Date(run.began * 1000).toISOString().slice(0, 10),
    verdict: make("span", { class: `flag ${run.verdict} ${run.flags.split(", ").join(" ")}`, title: run.flags }, [run.verdict, run.flags].filter(Boolean).join(": ") || "–") };
  const picked = state.pick.includes(short(run)), chosen = group.chosen === run.at, tied = group.tied.includes(run.at);
  // What may not be recommended is there, and set back
  const kind = [picked && "picked", chosen && "chosen", tied && "tied", chosen && group.sure === "tie" && "tie", !keptOf(group).has(run.at) && "aside"];
  return make("tr", { class: kind.filter(Boolean).join(" ") || null },
    make("td", {}, make("input", { type: "checkbox", "aria-label": `compare ${run.name}`, checked: picked, onchange: () => set({ pick: toggled(state.pick, short(run)).slice(-2) }, true) })),
    make("th", { scope: "row" }, make("a", { href: link(run), rel: "noopener noreferrer" }, run.model)),
    ...names.filter((name) => name !== "model").map((name) => make("td", { class: name === "with" ? "mono" : TEXTUAL.includes(name) ? null : "n" }, cells[name])),
    make("td", {}, make("button", { type: "button", "aria-label": `hide ${run.name}`, title: "Hide this run", onclick: () => set({ hide: [...state.hide, short(run)], pick: without(state.pick, short(run)) }, true) }, "hide")));
}
function drawTable(box, some) {
  const group = groupOf(state.g), order = sorted(some), pages = Math.max(1, Math.ceil(order.length / ROWS_SHOWN)), page = Math.min(state.page, pages - 1), made = heads();
  const names = made.map((head) => head.firstChild.dataset.sort);
  const table = make("table", {}, make("caption", {}, `${many(order.length, "run")} of ${spoken(group.task)}, ${group.title}. Tick two to compare them; a run's name leads to MLflow.`),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "pick"), ...made, make("th", { scope: "col" }, ""))),
    make("tbody", {}, ...order.slice(page * ROWS_SHOWN, (page + 1) * ROWS_SHOWN).map((run) => tableRow(run, group, names))));
  const go = (to) => () => set({ page: to }, true);
  box.replaceChildren(make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Every run" }, table),
    pages > 1 ? make("nav", { class: "pager", "aria-label": "Pages of the table" }, make("button", { type: "button", disabled: page === 0, onclick: go(page - 1) }, "Earlier"), `${page + 1} of ${pages}`, make("button", { type: "button", disabled: page === pages - 1, onclick: go(page + 1) }, "Later")) : "");
}
