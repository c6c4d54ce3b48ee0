// Which of two runs costs less: a port of analysis/verdict.py, whose notes and threshold come with the data. One test
// (tests/reporting/test_browser.py) holds both to the same cases. The interval of the difference is Welch's.
const T = [0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042];
// The 97.5 % point of Student's t, also between whole degrees of freedom
function quantile(freedom) {
  if (freedom > 30) return 1.96 + 2.46 / freedom;
  const low = Math.max(1, Math.floor(freedom)), part = Math.max(0, 1 - low / freedom) * (low + 1); // even in 1 / freedom
  return T[low] * ((T[low + 1] ?? 2.04) / T[low]) ** part;
}
// Half of Welch's 95 % interval of the difference; null where the windows are unknown
function welch(a, b) {
  if (!(a.windows >= 2 && b.windows >= 2)) return null;
  const errors = [a, b].map((run) => [(run.half / quantile(run.windows - 1)) ** 2, run.windows - 1]);
  const total = errors[0][0] + errors[1][0];
  if (total === 0) return 0;
  return quantile(total ** 2 / errors.reduce((sum, [error, degrees]) => sum + error ** 2 / degrees, 0)) * Math.sqrt(total);
}
function verdict(a, b, rules) {
  const difference = a.energy - b.energy, ratio = b.energy / a.energy, result = { difference, width: null, ratio };
  if (a.half === null || b.half === null) return { ...result, outcome: "unknown", note: rules.no_interval };
  result.width = welch(a, b) ?? a.half + b.half;
  const apart = a.energy + a.half < b.energy - b.half || b.energy + b.half < a.energy - a.half;
  if (!apart) return { ...result, outcome: "tie", note: rules.overlap };
  if (a.card !== b.card && Math.max(ratio, 1 / ratio) - 1 < rules.across_cards) return { ...result, outcome: "tie", note: rules.two_cards };
  return { ...result, outcome: difference < 0 ? "A" : "B", note: rules.apart };
}
const ROWS = [
  ["energy per 1,000", (run) => run.energy, wh], ["GPU", (run) => run.gpu_wh, wh], ["CPU", (run) => run.cpu_wh, wh], ["RAM", (run) => run.ram_wh, wh],
  ["dynamic (above idle)", (run) => run.net_wh, wh], ["estimated share", (run) => run.estimated, percent], ["quality", (run) => run.quality, digits],
  ["energy per correct prediction", (run) => run.j_per_correct, (value) => `${digits(value)} J`], ["latency p50", (run) => run.p50, seconds], ["latency p95", (run) => run.p95, seconds],
  ["requests per second", (run) => run.rate, digits], ["GPU memory", (run) => run.memory, bytes], ["emissions per 1,000", (run) => run.grams, mass],
];
function comparison(box) {
  const picked = state.pick.map((id) => runs.find((run) => short(run) === id)).filter(Boolean);
  const here = new Set(groupOf(state.g).runs);
  if (picked.length < 2) {
    const first = picked.length ? `A is ${picked[0].name}. Pick a second run` : "Pick two runs";
    box.replaceChildren(make("p", { class: "fine" }, `${first} in the table below (its first column), or click on a mark of the first chart.`));
    return;
  }
  const [a, b] = picked, apart = !picked.every((run) => here.has(run.at));
  const found = apart ? null : verdict(a, b, data.rules);
  const line = apart ? "They do not compare: they are not of one group." : { A: `A costs less: B takes ${times(found.ratio)} its energy`, B: `B costs less: A takes ${times(1 / found.ratio)} its energy`, tie: "A tie", unknown: "Indistinguishable" }[found.outcome];
  const body = ROWS.map(([what, read, say]) => [what, read(a) ?? null, read(b) ?? null, say]).filter(([, x, y]) => x !== null || y !== null);
  const ratio = (x, y) => (x && y && !apart ? times(x / y) : "");
  box.replaceChildren(
    make("p", { class: "verdict" }, line),
    found ? make("p", {}, `A less B: ${found.difference < 0 ? "−" : ""}${plusMinus(Math.abs(found.difference), found.width)}${found.width === null ? "" : " (95 %)"} per 1,000. ${found.note[0].toUpperCase()}${found.note.slice(1)}.`) : "",
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Two runs side by side" }, rowsTable(`A: ${a.name}. B: ${b.name}.`, ["", "A", "B", "A / B"], body.map(([what, x, y, say]) => [what, x === null ? "n/a" : say(x), y === null ? "n/a" : say(y), what.includes("share") ? "" : ratio(x, y)]))),
    make("button", { type: "button", onclick: () => set({ pick: [] }, true) }, "Pick others"));
}
function rowsTable(caption, heads, body) {
  return make("table", {}, make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head, place) => make("th", { scope: "col", class: place ? "n" : null }, head)))),
    make("tbody", {}, ...body.map((cells) => make("tr", {}, ...cells.map((cell, place) => make(place ? "td" : "th", place ? { class: "n" } : { scope: "row" }, cell))))));
}
