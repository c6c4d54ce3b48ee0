// The rows that are shown as a table of which only what is on the screen is in the document, and as a CSV of all.
const ROW_HEIGHT = 34, SPARE = 6;
const FIRST = ["model", "task", "source", "hardware", "precision", "batch_size", "total_wh_per_1k", "gpu_wh_per_1k", "ci95_rel", "j_per_unit", "quality", "metric", "parameters", "p50_s", "p99_s", "requests_per_s", "flags", "engine", "scenario", "rate_per_s"];
const ORDERED = [...FIRST.filter((name) => COLUMNS.has(name)), ...[...COLUMNS.keys()].filter((name) => !FIRST.includes(name))].map((name) => COLUMNS.get(name));
const WIDTH = { model: 220, boundary: 360, evidence: 250, flags: 190, hardware: 190, settings: 190, dynamic_wh_per_1k: 210, gpu_wh_per_1k: 190, total_wh_per_1k: 160, ttft_s: 170, rate_per_s: 140, g_per_1k: 140, task: 170 };
const widthOf = (column) => WIDTH[column.name] || (column.text ? 140 : 120);
let listed = new Uint32Array(0), windowed = "", parts = null;

function makeTable() {
  const heads = ORDERED.map((column) => make("th", { scope: "col", class: column.text ? null : "n", "data-column": column.name }, make("button", { type: "button", "data-sort": column.name, onclick: () => set({ sort: column.name, dir: state.sort === column.name && state.dir === "up" ? "down" : "up" }, -1) }, column.label)));
  const body = make("tbody", {}), table = make("table", { class: "grid", "aria-label": "Rows that are shown" }, make("colgroup", {}, ...ORDERED.map((column) => make("col", { style: `width:${innerWidth < 560 && column.name === "model" ? 130 : widthOf(column)}px` }))), make("thead", {}, make("tr", { "aria-rowindex": 1 }, ...heads)), body);
  table.style.width = `${ORDERED.reduce((sum, column) => sum + widthOf(column), 0)}px`;
  const scroll = make("div", { class: "scroll window", tabindex: "0", role: "region", "aria-label": "Rows that are shown", onscroll: () => requestAnimationFrame(fillWindow) }, table);
  byId("table").replaceChildren(scroll);
  return { scroll, table, body, heads };
}
function drawTable(rows) {
  parts ||= makeTable();
  listed = sorted(rows);
  windowed = "";
  parts.table.setAttribute("aria-rowcount", String(listed.length + 1));
  for (const head of parts.heads) {
    if (head.dataset.column === state.sort) head.setAttribute("aria-sort", state.dir === "down" ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  byId("shown").textContent = boxOf() ? `${many(rows.length, "row")} in the brush` : many(rows.length, "row");
  parts.scroll.style.height = `${Math.min(innerWidth < 560 ? 440 : 560, (rows.length + 1) * ROW_HEIGHT + 20)}px`;
  byId("csv").disabled = !rows.length;
  fillWindow();
}
function fillWindow() {
  const { scroll, body } = parts, from = Math.max(0, Math.floor(scroll.scrollTop / ROW_HEIGHT) - SPARE), to = Math.min(listed.length, from + Math.ceil(scroll.clientHeight / ROW_HEIGHT) + 2 * SPARE), key = `${from} ${to} ${state.pick}`;
  if (windowed === key) return;
  windowed = key;
  const spacer = (height) => make("tr", { class: "spacer", "aria-hidden": "true" }, make("td", { colspan: ORDERED.length, style: `height:${height}px` }));
  body.replaceChildren(spacer(from * ROW_HEIGHT), ...Array.from(listed.subarray(from, to), (row, at) => tableRow(row, from + at)), spacer((listed.length - to) * ROW_HEIGHT));
}
const SYMBOL = ["", "✕ ", "◆ "], MEANING = ["", "decides nothing", "result of another program"];
function tableRow(row, place) {
  const id = idOf(row), mark = markOf(row);
  return make("tr", { "aria-rowindex": place + 2, "data-row": id, class: state.pick && id.startsWith(state.pick) ? "picked" : null, onclick: (event) => { if (!event.target.closest("a")) set({ pick: id }, -1); } },
    ...ORDERED.map((column) => {
      const text = shownOf(column, row);
      if (column.name !== "model") return make("td", { class: column.text ? null : "n", title: column.text && text.length > 16 ? text : null }, text);
      return make("th", { scope: "row", title: [text, MEANING[mark]].filter(Boolean).join(": ") }, SYMBOL[mark] ? make("span", { class: "kind" }, SYMBOL[mark]) : null, make("a", { href: link(row), rel: "noopener noreferrer" }, text));
    }));
}
// A spreadsheet only shows it: a text is never a formula, what is unknown is an empty cell
const FORMULA = /^[=+\-@\t\r]/;
function cellOf(column, row) {
  if (!column.text) {
    const value = column.figures[row];
    if (Number.isNaN(value)) return "";
    return column.format === "day" ? new Date(value * 1000).toISOString() : String(column.exact ? value : Number(value.toPrecision(6)));
  }
  const text = textOf(column, row), safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
function csvOf(rows) {
  const lines = [["run_id", ...ORDERED.map((column) => column.name)].join(",")];
  for (const row of rows) lines.push(`${idOf(row)},${ORDERED.map((column) => cellOf(column, row)).join(",")}`);
  return `${lines.join("\n")}\n`;
}
function saveCsv() {
  const address = URL.createObjectURL(new Blob([csvOf(listed)], { type: "text/csv" })), anchor = make("a", { href: address, download: "joulemark-rows.csv" });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
