// The colours of the page in light and dark, and the figures that come with it whole.
const byId = (id) => document.getElementById(id);
const CONFIG = { displaylogo: false, responsive: true, showSendToCloud: false, plotlyServerURL: "", modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
const PALETTE = new Map(); // of the theme that is shown
function css(name) {
  if (!PALETTE.has(name)) PALETTE.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return PALETTE.get(name);
}
let printing = false;
function themed(layout) {
  const grid = css("--line"), small = innerWidth < 560;
  const axis = (given) => ({ gridcolor: grid, zerolinecolor: grid, linecolor: grid, ...given });
  return { font: { family: "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", size: small ? 11 : 13, color: css("--ink") }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 64, r: 16, t: 12, b: 56 }, hoverlabel: { align: "left" }, hovermode: "closest", dragmode: false,
    legend: { orientation: "h", yanchor: "bottom", y: 1.02, x: 0, font: { size: 12 } }, ...layout, ...(printing ? { width: 620, autosize: false } : { autosize: true }), xaxis: axis({ automargin: true, ...layout.xaxis }), yaxis: axis({ automargin: true, ...layout.yaxis }), annotations: small ? [] : layout.annotations };
}
// Shows a theme, that of the system where none is chosen; whether it is another one than before
function showTheme(chosen) {
  const theme = chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const changed = document.documentElement.dataset.theme !== theme;
  if (!changed) return false;
  document.documentElement.dataset.theme = theme;
  PALETTE.clear();
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  return true;
}
function drawGiven() {
  const given = JSON.parse(byId("given").textContent).filter((list) => list.length), sections = [...document.querySelectorAll("section")].filter((section) => section.querySelector("figure.given"));
  sections.forEach((section, place) => section.querySelectorAll("figure.given .plot").forEach((plot, at) => {
    const figure = given[place][at];
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", plot.parentElement.querySelector("figcaption").textContent);
    Plotly.react(plot, coloured(figure.data), themed(coloured(figure.layout || {})), CONFIG);
  }));
}
// A colour that a figure names as the page does, `--blue`, is that of the theme
function coloured(value) {
  if (Array.isArray(value)) return value.map(coloured);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, key === "color" && String(each).startsWith("--") ? css(each) : coloured(each)]));
  return value;
}
function copyable() {
  document.querySelectorAll(".copy").forEach((button) => { button.hidden = false; button.addEventListener("click", async () => { try { await navigator.clipboard.writeText(button.previousElementSibling.textContent); button.textContent = "Copied"; } catch { getSelection().selectAllChildren(button.previousElementSibling); button.textContent = "Selected"; } }); });
}
