// The chart of what the filters leave: Plotly draws axes, legend and brush, marks.js a mark for each row below them.
const COLOURS = ["--blue", "--orange", "--green", "--vermilion", "--purple", "--sky", "--yellow"];
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const markOf = (row) => (KINDS.external[row] ? 2 : KINDS.doubtful[row] ? 1 : 0);
const LONGEST = 40, DENSE = 5000; // characters of a name in the legend; marks above which they are dots

// The rows that both axes know, and how many each lacks
function drawable(rows) {
  const lacking = { x: 0, y: 0, zero: 0 }, x = COLUMNS.get(state.x).figures, y = COLUMNS.get(state.y).figures, logX = isLog("x"), logY = isLog("y");
  const drawn = rows.filter((row) => {
    if (Number.isNaN(x[row])) lacking.x += 1;
    else if (Number.isNaN(y[row])) lacking.y += 1;
    else if ((logX && x[row] <= 0) || (logY && y[row] <= 0)) lacking.zero += 1;
    else return true;
    return false;
  });
  return [drawn, lacking];
}
// Rows by colour: the commonest values each of their own, the rest grey
function byColour(rows) {
  const column = COLUMNS.get(state.colour);
  if (!column.text) return [...numberColours(column, rows)];
  const counts = new Uint32Array(column.values.length);
  for (const row of rows) counts[column.codes[row]] += 1;
  const places = column.values.map((_, at) => at).filter((at) => counts[at] && column.values[at] !== "").sort((a, b) => counts[b] - counts[a] || inOrder(column.values[a], column.values[b]));
  const own = places.length <= COLOURS.length ? places : places.slice(0, COLOURS.length - 1), place = new Map(own.map((at, number) => [at, number])), others = places.length - own.length;
  const groups = own.map((at, number) => ({ name: column.values[at], color: css(COLOURS[number]), rows: [] }));
  const grey = { name: others ? `${others.toLocaleString("en-US")} others` : column.empty, color: css("--black"), rows: [] };
  for (const row of rows) (groups[place.get(column.codes[row])] || grey).rows.push(row);
  return [...(grey.rows.length ? [grey] : []), ...groups];
}
// Steps of viridis (https://bids.github.io/colormap/), without the end that the paper of the theme would hide
const VIRIDIS = ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6dcd59", "#b4de2c", "#fde725"], SHADES = 32;
const rampOf = () => (document.documentElement.dataset.theme === "dark" ? VIRIDIS.slice(2) : VIRIDIS.slice(0, 9));
function shadeAt(ramp, share) {
  const place = share * (ramp.length - 1), at = Math.min(ramp.length - 2, Math.floor(place)), parts = [1, 3, 5].map((from) => [ramp[at], ramp[at + 1]].map((color) => Number.parseInt(color.slice(from, from + 2), 16)));
  return `rgb(${parts.map(([low, high]) => Math.round(low + (high - low) * (place - at))).join(",")})`;
}
function* numberColours(column, rows) {
  const along = column.log ? Math.log10 : Number, unknown = [], known = [];
  let least = Infinity, most = -Infinity;
  for (const row of rows) {
    const value = along(column.figures[row]);
    if (!Number.isFinite(value)) { unknown.push(row); continue; }
    known.push(row);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (unknown.length) yield { name: "unknown", color: css("--black"), rows: unknown };
  if (!known.length) return;
  const ramp = rampOf(), shades = Array.from({ length: SHADES }, () => []), width = most - least || 1;
  for (const row of known) shades[Math.min(SHADES - 1, Math.floor(((along(column.figures[row]) - least) / width) * SHADES))].push(row);
  const steps = Array.from({ length: 5 }, (_, at) => least + ((most - least) * at) / 4), text = steps.map((step) => FORMATTED[column.format](column.log ? 10 ** step : step));
  for (const [at, some] of shades.entries()) if (some.length) yield { rows: some, color: shadeAt(ramp, at / (SHADES - 1)) };
  yield { rows: [], scale: { color: [least, most], cmin: least, cmax: least + width, showscale: true, colorscale: ramp.map((color, at) => [at / (ramp.length - 1), color]), colorbar: { ...(innerWidth < 560 ? { orientation: "h", thickness: 8, x: 0.5, y: 1.02, yanchor: "bottom" } : { thickness: 12, len: 0.9 }), outlinewidth: 0, tickvals: steps, ticktext: text, title: { text: plain(column.label), side: innerWidth < 560 ? "top" : "right" } } } };
}
// What Plotly knows of the marks: a name and a colour each for its legend
function legendOf(groups) {
  return groups.filter((group) => group.name || group.scale).map((group) => {
    const name = group.name && group.name.length > LONGEST ? `${group.name.slice(0, LONGEST)}…` : group.name || "";
    return { type: "scatter", mode: "markers", x: [null, null], y: [null, null], name: plain(name), showlegend: !group.scale, hoverinfo: "skip", marker: group.scale || { color: group.color, size: 9 } };
  });
}
// From the least to the most of what is drawn, with some room
function rangeOf(axis, drawn) {
  const { figures } = COLUMNS.get(state[axis]), along = isLog(axis) ? Math.log10 : Number, box = boxOf(), of = axis === "x" ? [0, 1] : [2, 3];
  let least = Infinity, most = -Infinity;
  for (const row of drawn) { const value = figures[row]; if (value < least) least = value; if (value > most) most = value; }
  const ends = [least, most].map(along), held = box ? of.map((at) => along(box[at])).filter(Number.isFinite) : [], low = Math.min(ends[0], ...held), high = Math.max(ends[1], ...held), room = (high - low) * 0.04 || 0.5;
  return Number.isFinite(low) && Number.isFinite(high) ? [low - room, high + room] : [0, 1];
}
const UNITS = { wh: "Wh", s: "s", bytes: "bytes", share: "share", grams: "g", count: "", plain: "", whole: "", day: "" };
function axisOf(axis, drawn) {
  const column = COLUMNS.get(state[axis]), unit = UNITS[column.format], grid = css("--line"), log = isLog(axis), [low, high] = rangeOf(axis, drawn);
  // Plotly takes moments for ms since the epoch
  const dated = column.format === "day" && !log, range = dated ? [low * 1000, high * 1000] : [low, high];
  return { title: { text: plain(unit && !dated ? `${column.label} (${unit})` : column.label) }, type: dated ? "date" : log ? "log" : "linear", range, gridcolor: grid, zeroline: false, linecolor: grid, automargin: true, exponentformat: "SI" };
}
// Seconds since the epoch of a moment as Plotly writes it: ms, or a text in UTC
const momentOf = (value) => (typeof value === "number" ? value : Date.parse(`${String(value).replace(" ", "T")}Z`)) / 1000;
function layoutOf(drawn) {
  const small = innerWidth < 560, box = boxOf(), accent = css("--accent");
  const unit = (axis, value) => (COLUMNS.get(state[axis]).format === "day" && !isLog(axis) ? value * 1000 : value);
  const shape = box && { type: "rect", x0: unit("x", box[0]), x1: unit("x", box[1]), y0: unit("y", box[2]), y1: unit("y", box[3]), editable: true, line: { color: accent, width: 2 }, fillcolor: `${accent}26` };
  return {
    font: { family: "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", size: small ? 11 : 13, color: css("--ink") }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 56, r: 12, t: 30, b: 48 }, autosize: true, height: small ? 380 : 520,
    hovermode: false, modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--soft"), activecolor: accent }, dragmode: small ? false : "drawrect", newshape: { line: { color: accent, width: 2 }, fillcolor: `${accent}26` }, activeshape: { fillcolor: accent, opacity: 0.15 }, shapes: shape ? [shape] : [],
    legend: { orientation: "h", yanchor: "bottom", y: 1.02, x: 0, font: { size: 12 }, itemclick: false, itemdoubleclick: false }, xaxis: axisOf("x", drawn), yaxis: axisOf("y", drawn),
  };
}
const CONFIG = { displaylogo: false, responsive: true, showSendToCloud: false, showTips: false, plotlyServerURL: "", displayModeBar: true, modeBarButtons: [["drawrect", "zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]] };
// Why rows are not drawn, and what the marks of several metrics or units mean
function sentenceOf(drawn, lacking) {
  const reasons = [[lacking.x, `without ${COLUMNS.get(state.x).label}`], [lacking.y, `without ${COLUMNS.get(state.y).label}`], [lacking.zero, "not above zero on a logarithmic axis"]].filter(([count]) => count);
  const left = reasons.reduce((sum, [count]) => sum + count, 0), metric = COLUMNS.get("metric");
  const metrics = metric ? [...new Set(Array.from(drawn, (row) => metric.codes[row]))].map((at) => metric.values[at] || "unknown") : [];
  const mixed = ["quality", "j_per_correct"].some((name) => [state.x, state.y].includes(name)) && metrics.length > 1 ? ` Quality here is of ${metrics.length} metrics (${metrics.slice(0, 4).join(", ")}${metrics.length > 4 ? ", …" : ""}), which do not compare with each other: filter one metric.` : "";
  return `${many(drawn.length, "row")} drawn${left ? `; ${many(left, "row")} left out: ${reasons.map(([count, why]) => `${count.toLocaleString("en-US")} ${why}`).join(", ")}` : ""}.${mixed}`;
}
let drawnLast = new Uint32Array(0);
function drawChart(rows) {
  const [drawn, lacking] = drawable(rows), plot = byId("plot"), said = sentenceOf(drawn, lacking), counts = [0, 0, 0], groups = [...byColour(drawn)];
  for (const row of drawn) counts[markOf(row)] += 1;
  drawnLast = drawn;
  byId("chart-title").textContent = `${COLUMNS.get(state.y).label} against ${COLUMNS.get(state.x).label}`;
  byId("say").textContent = said;
  byId("marks").textContent = [[counts[0], "● runs"], [counts[1], "✕ runs that decide nothing"], [counts[2], "◆ results of other programs"]].filter(([count]) => count).map(([count, what]) => `${what}: ${count.toLocaleString("en-US")}`).join(" · ");
  plot.setAttribute("aria-label", `${byId("chart-title").textContent}. ${said}`);
  byId("chart").classList.toggle("empty", !drawn.length);
  setMarks(groups, drawn.length > DENSE);
  if (!drawn.length) return;
  Plotly.react(plot, legendOf(groups), layoutOf(drawn), CONFIG);
  if (!plot.dataset.heard) { plot.dataset.heard = "1"; hear(plot); paintMarks(); }
}
function hear(plot) {
  plot.on("plotly_afterplot", () => paintMarks());
  plot.on("plotly_relayouting", (changes) => paintMarks(changes));
  plot.on("plotly_relayout", (changes) => {
    if (!Object.keys(changes).some((key) => key.startsWith("shapes"))) return;
    const shapes = plot.layout.shapes || [], shape = shapes.at(-1);
    const endOf = (axis, value) => (plot.layout[`${axis}axis`].type === "date" ? Math.round(momentOf(value)) : Number(Number(value).toPrecision(6)));
    const ends = shape ? ["x", "y"].flatMap((axis) => [0, 1].map((end) => endOf(axis, shape[axis + end])).sort((one, other) => one - other)) : [];
    set({ box: ends.join(",") }, -1);
    if (shapes.length > 1) setTimeout(() => Plotly.relayout(plot, { shapes: layoutOf(drawnLast).shapes }));
  });
  const tip = document.body.appendChild(make("div", { id: "tip", hidden: true }));
  let pressed = null;
  plot.addEventListener("pointermove", (event) => requestAnimationFrame(() => showTip(tip, event.buttons ? -1 : nearestTo(event), event)));
  plot.addEventListener("pointerleave", () => { tip.hidden = true; });
  plot.addEventListener("pointerdown", (event) => { pressed = event; }, true);
  addEventListener("pointerup", (event) => {
    const row = pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) < 4 ? nearestTo(pressed) : -1;
    pressed = null;
    if (row >= 0) set({ pick: idOf(row) }, -1);
  }, true);
}
function showTip(tip, row, event) {
  tip.hidden = row < 0;
  if (row < 0) return;
  const names = [...new Set([state.x, state.y, state.colour, "task", "hardware", "precision", "source"])].filter((name) => COLUMNS.has(name) && name !== "model" && shownOf(COLUMNS.get(name), row));
  tip.replaceChildren(make("b", {}, shownOf(COLUMNS.get("model"), row)), ...names.map((name) => make("span", {}, `${COLUMNS.get(name).label}: ${shownOf(COLUMNS.get(name), row)}`)));
  tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${Math.max(8, Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8))}px`;
}
