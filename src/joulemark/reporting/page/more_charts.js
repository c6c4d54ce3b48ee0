// Specialists against general-purpose models: in every group that has both, each group a row of its own.
const ROLE = { specialist: ["--blue", "circle"], "general-purpose": ["--vermilion", "square"] };
function matched() {
  return groups.map((group) => {
    const own = group.runs.map((at) => runs[at]).filter((run) => run.ranked);
    const of = (role) => own.filter((run) => run.role === role && !run.random && run.quality !== null);
    const best = of("specialist").sort((a, b) => b.quality - a.quality || a.energy - b.energy)[0];
    const general = of("general-purpose").sort((a, b) => b.quality - a.quality || a.energy - b.energy)[0];
    return best && general ? { group, best, general, result: verdict(best, general, group.verdicts) } : null;
  }).filter(Boolean);
}
function rolesChart() {
  const rows = matched().slice(0, 20);
  if (!rows.length) return { text: "No group has both a specialist and a general-purpose model with a known quality, so there is nothing to compare." };
  const [each, unitName] = unit(rows.flatMap((row) => [row.best, row.general]));
  const point = (name) => ({ type: "scatter", mode: "markers", name, x: rows.map((row) => (name === "specialist" ? row.best : row.general).energy / each), y: rows.map((_, at) => at), hoverinfo: "text", text: rows.map((row) => hover(name === "specialist" ? row.best : row.general)), customdata: rows.map((row) => (name === "specialist" ? row.best : row.general).at),
    error_x: { type: "data", array: rows.map((row) => ((name === "specialist" ? row.best : row.general).half || 0) / each), thickness: 1, width: 3, color: css(ROLE[name][0]) },
    marker: { size: 12, color: css(ROLE[name][0]), symbol: rows.map((row) => ROLE[name][1] + ((name === "specialist" ? row.best : row.general).hollow ? "-open" : "")), line: { width: 2, color: css(ROLE[name][0]) } } });
  const ratioText = ({ result }) => ({ A: `${times(result.ratio)} the energy`, B: `${times(result.ratio)} the energy`, tie: "a tie", "not established": "not established", unknown: "not judged" })[result.outcome];
  const energies = rows.flatMap((row) => [row.best.energy / each, row.general.energy / each]);
  const shapes = rows.map((row, at) => ({ type: "line", layer: "below", x0: row.best.energy / each, x1: row.general.energy / each, y0: at, y1: at, line: { color: css("--line"), width: 3 } }));
  return { traces: [point("specialist"), point("general-purpose")], layout: { height: 150 + 54 * rows.length, shapes, xaxis: energyAxis(energies, unitName), yaxis: { autorange: "reversed", tickvals: rows.map((_, at) => at), ticktext: rows.map((row) => `${plain(spoken(row.group.task))}<br><span style="font-size:11px">general-purpose: ${ratioText(row)}</span>`), automargin: true, zeroline: false } },
    text: `Matched by task, over all groups, unfiltered: the specialist and the general-purpose model of the highest quality. ${rows.map((row) => `${spoken(row.group.task)}: ${row.general.model} ${row.result.outcome === "tie" ? "ties with" : ["not established", "unknown"].includes(row.result.outcome) ? "is not established to differ from" : `takes ${ratioText(row)} of`} ${row.best.model} (quality ${digits(row.general.quality)} against ${digits(row.best.quality)})`).slice(0, 3).join("; ")}.`,
    heads: ["task", "specialist", "general-purpose", "energy", "quality"], body: rows.map((row) => [spoken(row.group.task), `${row.best.name}: ${plusMinus(row.best.energy, row.best.half)}`, `${row.general.name}: ${plusMinus(row.general.energy, row.general.half)}`, ratioText(row), `${digits(row.best.quality)} / ${digits(row.general.quality)}`]) };
}
function parametersChart(some) {
  const known = some.filter((run) => run.parameters);
  if (known.length < 2) return { text: "Fewer than two runs of this view say how many parameters their model has." };
  if (new Set(known.map((run) => run.parameters)).size < 2) return { text: `All runs of this view have ${counted(known[0].parameters)} parameters: there is no size to compare.` };
  const order = cheapest(known), shown = order.slice(0, POINTS), others = order.slice(POINTS), [each, unitName] = unit(), size = (run) => run.parameters, energy = (run) => run.energy / each;
  const by = Object.keys(ROLE).map((role) => ({ name: role, place: COLOURS.indexOf(ROLE[role][0]), runs: shown.filter((run) => run.role === role) })).filter((entry) => entry.runs.length);
  const traces = by.map((entry) => ({ ...marks(entry, size, energy), marker: { ...marks(entry, size, energy).marker, symbol: entry.runs.map((run) => ROLE[entry.name][1] + (run.hollow ? "-open" : "")) } }));
  const shapes = [...dots(others, size, energy), ...by.flatMap((entry) => ranges(entry, entry.runs, each, "y", size))];
  const sizes = known.map(size);
  return { traces, layout: { height: 400, shapes, xaxis: { title: { text: "parameters" }, ...(wide(sizes) ? logAxis(sizes, counted) : { tickformat: "~s" }) }, yaxis: energyAxis(known.map(energy), unitName) },
    text: `Energy by size, as the study drew it: from ${counted(Math.min(...sizes))} to ${counted(Math.max(...sizes))} parameters, all settings.${dotted(others.length)}`,
    heads: ["run", "role", "parameters", "energy per 1,000"], body: shown.slice(0, 50).map((run) => [run.name, run.role, counted(run.parameters), plusMinus(run.energy, run.half)]) };
}
function batchChart(some) {
  const lines = new Map();
  for (const run of some) {
    const name = [run.model, run.precision, run.settings].filter(Boolean).join(" · ");
    lines.set(name, [...(lines.get(name) || []), run]);
  }
  const sizes = (list) => new Set(list.map((run) => run.batch)).size;
  const all = [...lines].map(([name, list]) => ({ name, runs: list })).sort((a, b) => sizes(b.runs) - sizes(a.runs) || Math.min(...a.runs.map((run) => run.energy)) - Math.min(...b.runs.map((run) => run.energy)));
  const drawn = all.slice(0, COLOURS.length).map((entry, place) => ({ ...entry, place, runs: entry.runs.filter((run) => run.batch !== null).sort((a, b) => a.batch - b.batch || a.energy - b.energy) }));
  const points = drawn.flatMap((entry) => entry.runs), [each, unitName] = unit();
  if (!points.length) return { text: "No run of this view says its batch size." };
  const batches = [...new Set(points.map((run) => run.batch))].sort((a, b) => a - b), precisions = [...new Set(some.map((run) => run.precision))];
  const shapes = drawn.flatMap((entry) => ranges(entry, entry.runs, each, "y", (run) => run.batch));
  const traces = drawn.filter((entry) => entry.runs.length).map((entry) => ({ ...marks(entry, (run) => run.batch, (run) => run.energy / each), mode: sizes(entry.runs) > 1 ? "lines+markers" : "markers", line: { color: css(COLOURS[entry.place]), width: 1.5 } }));
  const low = cheapest(points)[0];
  const more = all.length > drawn.length ? ` ${drawn.length} of ${all.length} lines: those with the most batch sizes.` : "";
  return { traces, layout: { height: 400, shapes, xaxis: { title: { text: "batch size" }, type: batches.length > 1 ? "log" : "linear", tickvals: batches, ticktext: batches.map(String) }, yaxis: energyAxis(points.map((run) => run.energy / each), unitName) },
    text: `${many(batches.length, "batch size")}${precisions.filter(Boolean).length ? `, ${many(precisions.length, "precision")} (${precisions.join(", ")})` : ""}. Least energy: ${low.name}, ${wh(low.energy)}.${more}`,
    heads: ["model and precision", "batch", "energy per 1,000"], body: points.slice(0, 60).map((run) => [[run.model, run.precision, run.settings].filter(Boolean).join(" · "), String(run.batch), plusMinus(run.energy, run.half)]) };
}
function latencyChart(some, group) {
  const shown = ordered(some.filter((run) => run.p50 !== null && run.p50 !== undefined), group);
  if (!shown.length) return { text: "No run of this view has latencies." };
  const points = [["p50", "--blue", "circle"], ["p90", "--sky", "diamond"], ["p95", "--orange", "square"], ["p99", "--vermilion", "triangle-up"]];
  const spread = shown.map((run, at) => [data.latencies[run.at], at]).filter(([list]) => list);
  const traces = [
    ...spread.map(([list, at]) => ({ type: "box", orientation: "h", y0: at, x: list.slice(1, -1), name: "quarter to three quarters", boxpoints: false, whiskerwidth: 0, fillcolor: css("--faint"), line: { color: css("--line"), width: 1.5 }, width: 0.5, hoverinfo: "skip", showlegend: false })),
    ...points.map(([name, colour, mark]) => ({ type: "scatter", mode: "markers", name, x: shown.map((run) => run[name] ?? null), y: shown.map((_, at) => at), hoverinfo: "text", text: shown.map((run) => `${name} ${seconds(run[name] ?? null)}<br>${plain(run.name)}`), marker: { size: 9, symbol: mark, color: css(colour) } }))];
  const values = shown.flatMap((run) => [run.p50, run.p99]).filter(Boolean), fast = [...shown].sort((a, b) => a.p95 - b.p95)[0];
  return { traces, layout: { height: 120 + 38 * shown.length, xaxis: { title: { text: "latency, s" }, ...(wide(values) ? logAxis(values) : { rangemode: "tozero" }) }, yaxis: { autorange: "reversed", tickvals: shown.map((_, at) => at), ticktext: shown.map(barLabel), automargin: true, zeroline: false } },
    text: `Lowest 95th percentile here: ${fast.name}, ${seconds(fast.p95)}.${spread.length ? " Boxes hold the middle half of the requests, where the record is available." : ""} A batched request waits for its batch.${rest(some, shown)}`,
    heads: ["run", "p50", "p90", "p95", "p99"], body: shown.map((run) => [run.name, ...points.map(([name]) => seconds(run[name] ?? null))]) };
}
function lowerBoundChart(some, group) {
  const shown = ordered(some.filter((run) => run.lower_bound_ratio), group);
  if (!shown.length) return { text: "No run of this view has an energy lower bound, the least that its own work can cost on this device: joulemark calibrate reads it in a minute, then measure again." };
  const made = bars(shown, [["× lower bound", (run) => run.lower_bound_ratio, "--purple", (run) => false]], "× energy lower bound", 1, times);
  made.traces[0].hovertext = shown.map((run) => `${times(run.lower_bound_ratio)} its lower bound of ${wh(run.lower_bound_wh)}<br>${plain(run.name)}${run.parts ? `<br>${plain(run.parts).replaceAll(/[,;] /g, "<br>")}` : ""}`);
  Object.assign(made.layout.xaxis, logAxis([1, ...shown.map((run) => run.lower_bound_ratio)]));
  const near = [...shown].sort((a, b) => a.lower_bound_ratio - b.lower_bound_ratio)[0];
  made.layout.xaxis.range = [0, Math.log10(Math.max(...shown.map((run) => run.lower_bound_ratio)) * 1.1)];
  return { ...made, text: `The lower bound (roofline) is the least that the model's own work can cost on this device. Nearest to it: ${near.name}, ${times(near.lower_bound_ratio)} its lower bound. Measured joules alone: an estimate has no distance.${rest(some, shown)}`,
    heads: ["run", "over its lower bound", "energy of a request"], body: shown.map((run) => [run.name, `${times(run.lower_bound_ratio)} of ${wh(run.lower_bound_wh)}`, run.parts || "n/a"]) };
}
function stagesChart(some, group) {
  const names = Object.keys(data.stages), has = (run) => names.some((name) => data.stages[name][run.at]);
  const shown = ordered(some.filter(has), group), [each, unitName] = unit();
  if (!shown.length) return { text: "The stages of these runs were not measured apart (protocol.stage_s is 0)." };
  const parts = names.map((name, at) => [spoken(name), (run) => data.stages[name][run.at] ?? null, COLOURS[at % COLOURS.length], (run) => run.hollow]);
  return { ...bars(shown, parts, `energy, ${unitName} per 1,000`, each), text: `Where within an inference the energy goes, each stage in a window of its own. Hatched where more than a fifth is estimated.${rest(some, shown)}`,
    heads: ["run", ...names.map(spoken)], body: shown.map((run) => [run.name, ...names.map((name) => wh(data.stages[name][run.at] ?? null))]) };
}
