// Which of two cells costs less. Nothing is judged here: reporting/pairs.py has judged the pairs of each group's cheapest
// cells by analysis/verdict.py, and the verdicts come with the data.
function verdict(a, b, verdicts) {
  const swapped = a.at > b.at, judged = verdicts[swapped ? `${b.at},${a.at}` : `${a.at},${b.at}`];
  if (!judged) return { outcome: "unknown", note: "only the cheapest of a group are judged on this page; joulemark compare judges any two", ratio: b.energy / a.energy, least: null, most: null };
  const [outcome, note, ratio, least, most] = judged;
  if (!swapped) return { outcome, note, ratio, least, most };
  return { outcome: { A: "B", B: "A" }[outcome] ?? outcome, note: note.replace(/^[AB](?= is indicated)/, (side) => ({ A: "B", B: "A" })[side]), ratio: ratio === null ? null : 1 / ratio, least: most === null ? null : 1 / most, most: least === null ? null : 1 / least };
}
const ROWS = [
  ["energy per 1,000", (run) => run.gross, plusMinus, (run) => run.gross_half], ["GPU", (run) => run.gpu_wh, wh], ["CPU", (run) => run.cpu_wh, wh], ["RAM", (run) => run.ram_wh, wh],
  ["dynamic (above idle)", (run) => run.dynamic_wh, plusMinus, (run) => run.dynamic_half ?? null], ["estimated share", (run) => run.estimated, percent], ["quality", (run) => run.quality, digits],
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
  const result = apart ? null : verdict(a, b, groupOf(state.g).verdicts);
  const answers = apart ? null : groupOf(state.g).qualities[[a.at, b.at].sort((x, y) => x - y).join(",")];
  const line = apart ? "They do not compare: they are not of one group." : { A: `A costs less: B takes ${times(result.ratio)} its ${energyName()}`, B: `B costs less: A takes ${times(1 / result.ratio)} its ${energyName()}`, tie: "A tie", "not established": "Not established", unknown: "Not judged" }[result.outcome];
  const body = ROWS.map(([what, read, say, half]) => [what, read(a) ?? null, read(b) ?? null, (value, run) => (half ? say(value, half(run)) : say(value))]).filter(([, x, y]) => x !== null || y !== null);
  const ratio = (x, y) => (x && y && !apart ? times(x / y) : "");
  box.replaceChildren(
    make("p", { class: "verdict" }, line),
    result ? make("p", {}, `${result.ratio === null ? "" : `B / A: ${times(result.ratio)}${result.least === null ? "" : ` (${times(result.least)} to ${times(result.most)}, 95 % between processes)`}. `}${result.note[0].toUpperCase()}${result.note.slice(1)}.`) : "",
    answers ? make("p", {}, `Quality: ${answers}.`) : "",
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Two runs side by side" }, rowsTable(`A: ${a.name}. B: ${b.name}.`, ["", "A", "B", "A / B"], body.map(([what, x, y, say]) => [what, x === null ? "n/a" : say(x, a), y === null ? "n/a" : say(y, b), what.includes("share") ? "" : ratio(x, y)]))),
    make("button", { type: "button", onclick: () => set({ pick: [] }, true) }, "Pick others"));
}
const SENTENCE = 40; // characters from which a cell is read as a sentence, which wraps, and not as a number
function rowsTable(caption, heads, body) {
  const kind = (place) => (body.some((cells) => String(cells[place]).length >= SENTENCE) ? "wide" : "n");
  return make("table", {}, make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head, place) => make("th", { scope: "col", class: place ? kind(place) : null }, head)))),
    make("tbody", {}, ...body.map((cells) => make("tr", {}, ...cells.map((cell, place) => make(place ? "td" : "th", place ? { class: kind(place) } : { scope: "row" }, cell))))));
}
