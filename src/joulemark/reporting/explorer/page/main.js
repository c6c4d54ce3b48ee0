// Brings the page to life: filters, table, chart, one row's facts, theme.
let drawing = 0, left = new Uint32Array(0), leftKey = "";
// `rest` is how long to wait with the chart, ms: while one types; below zero nothing in it changed
function show(rest = 0) {
  applyTheme();
  const { key } = marks();
  if (key !== leftKey || !left.length) { left = leftRows(); leftKey = key; }
  byId("count").textContent = `${left.length.toLocaleString("en-US")} of ${many(ROWS, "row")}`;
  refreshControls();
  drawTable(brushed(left));
  drawDetail();
  if (rest < 0) return;
  byId("chart").setAttribute("aria-busy", "true");
  clearTimeout(drawing);
  drawing = setTimeout(() => requestAnimationFrame(() => setTimeout(() => { drawChart(left); byId("chart").setAttribute("aria-busy", "false"); })), rest);
}
function drawDetail() {
  const box = byId("detail");
  if (!state.pick) { box.hidden = true; return; }
  let row = 0;
  while (row < ROWS && !idOf(row).startsWith(state.pick)) row++;
  box.hidden = row === ROWS;
  if (box.hidden || box.dataset.row === idOf(row)) return;
  box.dataset.row = idOf(row);
  const facts = ORDERED.filter((column) => column.name !== "model" && shownOf(column, row));
  box.replaceChildren(make("div", { class: "line" }, make("h2", {}, textOf(COLUMNS.get("model"), row)), make("button", { type: "button", class: "quiet", id: "close", onclick: () => { box.dataset.row = ""; set({ pick: "" }, -1); } }, "Close")),
    make("dl", { class: "facts" }, ...facts.map((column) => make("div", {}, make("dt", {}, column.label), make("dd", {}, shownOf(column, row))))), make("p", { class: "fine" }, [MEANING[markOf(row)], "run "].filter(Boolean).join("; "), make("code", {}, idOf(row)), " · ", make("a", { href: link(row), rel: "noopener noreferrer" }, "open in MLflow")));
}
function applyTheme() {
  const theme = state.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
}
function start() {
  byId("theme").hidden = false;
  if (!ROWS) { byId("theme").addEventListener("click", () => { state.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; applyTheme(); }); return applyTheme(); }
  byId("theme").addEventListener("click", () => set({ theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark" }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show());
  byId("live").hidden = false;
  makeControls();
  // A plain anchor is a place on the page, not a view
  addEventListener("hashchange", () => { if (location.hash && !location.hash.includes("=")) return; state = fromHash(); show(); });
  addEventListener("resize", () => { if (parts) { windowed = ""; fillWindow(); } });
  document.addEventListener("click", (event) => document.querySelectorAll(".facet[open]").forEach((details) => { if (!details.contains(event.target) && event.target.isConnected) details.removeAttribute("open"); }));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") document.querySelectorAll(".facet[open]").forEach((details) => details.removeAttribute("open")); });
  show();
}
start();
