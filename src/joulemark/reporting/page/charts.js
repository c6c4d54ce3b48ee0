// Charts of one group's runs. Each gives: traces, layout, a sentence, and the same as a table; or only a sentence.
const POINTS = 150; // marks of one chart: the front and the cheapest come first, the others are dots, which its sentence counts
const RANGES = 60; // intervals of a chart of more than 100 marks: of the front and what is near it
const BARS = 12;
const COLOURS = ["--blue", "--orange", "--green", "--vermilion", "--purple", "--sky", "--yellow", "--black"];
const MARKS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "triangle-down"];
const wide = (values) => Math.max(...values) > 10 * Math.min(...values) && Math.min(...values) > 0;
const cheapest = (some) => [...some].sort((a, b) => a.energy - b.energy);
const many = (count, noun) => `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;

function frontOf(some) {
  const front = [];
  for (const run of cheapest(some).filter((run) => run.quality !== null && run.ranked).sort((a, b) => a.energy - b.energy || b.quality - a.quality))
    if (!front.length || run.quality > front[front.length - 1].quality) front.push(run);
  return front;
}
// Runs that may be on the front within their intervals: no run of the front is surely cheaper and as good
const nearFront = (some, front) => some.filter((run) => run.quality !== null && run.ranked && !front.includes(run) &&
  !front.some((better) => better.quality >= run.quality && better.energy + (better.half || 0) < run.energy - (run.half || 0)));

function series(some) {
  const by = { model: (run) => run.model, precision: (run) => run.precision, role: (run) => run.role, batch: (run) => `batch ${run.batch}` }[state.colour] || ((run) => run.model);
  const names = [...new Set(groupOf(state.g).runs.map((at) => by(runs[at])))].sort(inOrder);
  // Beyond seven, colours repeat: the rest share one
  const place = new Map(names.map((name, at) => [name, Math.min(at, COLOURS.length - 1)]));
  const kept = names.slice(0, COLOURS.length - 1), rest = names.slice(COLOURS.length - 1);
  const result = kept.map((name) => ({ name, place: place.get(name), runs: some.filter((run) => by(run) === name) }));
  if (rest.length === 1) result.push({ name: rest[0], place: COLOURS.length - 1, runs: some.filter((run) => by(run) === rest[0]) });
  else if (rest.length) result.push({ name: `${rest.length} others`, place: COLOURS.length - 1, runs: some.filter((run) => rest.includes(by(run))) });
  return result.filter((entry) => entry.runs.length);
}
const hover = (run) => `<b>${plain(run.model)}</b><br>${plain(run.with)}<br>${plusMinus(run.energy, run.half)} per 1,000` +
  (run.quality === null ? "" : `<br>quality ${digits(run.quality)}`) + `<br>p95 ${seconds(run.p95 ?? null)}` +
  (run.hollow ? `<br>${percent(run.estimated)} estimated` : "") + (run.flags ? `<br>${plain(run.flags)}` : "");
const symbol = (run, place) => (run.ranked ? MARKS[place] : "x-thin") + (run.hollow || !run.ranked ? "-open" : "");
// One element for all of them, where error bars and marks are one each; what falls on the same place is drawn once
const rounded = (value, places) => Number(value.toPrecision(places));
const strokes = (name, ends, line, places) => ({ type: "path", path: [...new Set(ends.map((at) => at.map((value) => rounded(value, places))).map(([x0, y0, x1, y1]) => `M${x0},${y0}${y1 === y0 ? `H${x1}` : `V${y1}`}`))].join(""), line, layer: "below", name, legendgroup: name });
// The interval of each run's energy, along x or along y; one that reaches zero has no end on a logarithmic axis
function ranges(entry, some, each, along, at) {
  const ends = some.filter((run) => run.half).map((run) => [Math.max(run.energy - run.half, run.energy / 100) / each, (run.energy + run.half) / each, at(run)]);
  return !ends.length ? [] : [strokes(plain(entry.name), ends.map(([low, high, place]) => (along === "x" ? [low, place, high, place] : [place, low, place, high])), { color: css(COLOURS[entry.place]), width: 1 }, 8)];
}
// The runs beyond the marks, so that nothing is hidden: a stroke of no length, with a round end, is a dot
const dots = (some, x, y) => (!some.length ? [] : [{ ...strokes(`${many(some.length, "more run")}, as dots`, some.map((run) => [x(run), y(run), x(run), y(run)]), { color: css("--soft"), width: 4 }, 4), opacity: 0.4, showlegend: true }]);
const dotted = (count) => (count ? ` ${many(count, "more run")} ${count === 1 ? "is a dot" : "are dots"}: filter to see which.` : "");
function marks(entry, x, y) {
  return { type: "scatter", mode: "markers", name: plain(entry.name), x: entry.runs.map(x), y: entry.runs.map(y), customdata: entry.runs.map((run) => run.at), text: entry.runs.map(hover), hoverinfo: "text",
    legendgroup: plain(entry.name), marker: { size: 10, color: css(COLOURS[entry.place]), symbol: entry.runs.map((run) => symbol(run, entry.place)), line: { width: 2, color: css(COLOURS[entry.place]) } } };
}
// One unit for all charts of a group, that of its median run
function unit(some = groupOf(state.g).runs.map((at) => runs[at])) {
  const middle = cheapest(some)[Math.floor(some.length / 2)].energy;
  return WH.find(([size]) => middle >= size) || WH[WH.length - 1];
}
// Ticks at 1, 2 and 5 of each power of ten, fewer where it has many, written as plain numbers
function logAxis(values, say = digits) {
  const low = Math.floor(Math.log10(Math.min(...values))), high = Math.ceil(Math.log10(Math.max(...values)));
  const steps = high - low > 3 ? [1] : innerWidth < 560 || high - low > 2 ? [1, 3] : [1, 2, 5], at = [];
  for (let power = low; power <= high; power += 1) steps.forEach((step) => at.push(step * 10 ** power));
  return { type: "log", tickvals: at, ticktext: at.map((value) => say(value).replace(/\.0+$|(\.\d*?)0+$/, "$1")) };
}
const energyName = () => (ranksByDynamic() ? "dynamic energy" : "energy");
function energyAxis(values, name) {
  return { title: { text: `${energyName()}, ${name} per 1,000` }, ...(wide(values) ? logAxis(values) : { type: "linear", rangemode: "nonnegative" }) };
}

function qualityChart(some, group) {
  const judged = some.filter((run) => run.quality !== null), unjudged = some.length - judged.length;
  const randoms = some.filter((run) => run.random).length;
  const left = unjudged ? ` ${many(unjudged, "run")} without a quality ${unjudged === 1 ? "is" : "are"} not here${randoms ? ` (${randoms} of random weights)` : ""}.` : "";
  if (!judged.length) return { text: `No run of this view has a quality.${left}` };
  const front = frontOf(judged), near = nearFront(judged, front);
  const order = [...new Set([...front, ...near, ...cheapest(judged)])], most = Math.max(POINTS, front.length), first = order.slice(0, most), others = order.slice(most);
  const [each, name] = unit(), ranged = new Set(first.length > 100 ? [...front, ...near].slice(0, RANGES) : first), energy = (run) => run.energy / each, quality = (run) => run.quality;
  const by = series(first), traces = by.map((entry) => marks(entry, energy, quality));
  traces.unshift({ type: "scatter", mode: "lines", name: "Pareto front", x: front.map(energy), y: front.map((run) => run.quality), line: { color: css("--soft"), width: 1.5, dash: "dot", shape: "hv" }, hoverinfo: "skip" });
  const chosen = runs[group.chosen];
  if (chosen && first.includes(chosen)) traces.push({ type: "scatter", mode: "markers", name: "recommended", x: [energy(chosen)], y: [chosen.quality], marker: { size: 22, symbol: "circle-open", color: css("--ink"), line: { width: 2, color: css("--ink") } }, hoverinfo: "skip" });
  const energies = judged.map(energy), annotations = labels(front, energies, judged.map(quality), each);
  const shapes = [...dots(others, energy, quality), ...by.flatMap((entry) => ranges(entry, entry.runs.filter((run) => ranged.has(run)), each, "x", quality))];
  if (group.floor !== null) shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: group.floor, y1: group.floor, line: { color: css("--soft"), width: 1, dash: "dash" }, label: { text: "least accepted", textposition: "start", font: { size: 11, color: css("--soft") } } });
  const ends = front.length > 1 ? `from ${front[0].name} (${wh(front[0].energy)}, ${digits(front[0].quality)}) to ${front[front.length - 1].name} (${wh(front[front.length - 1].energy)}, ${digits(front[front.length - 1].quality)})` : front.length ? `${front[0].name} (${wh(front[0].energy)}, ${digits(front[0].quality)})` : "empty: no run may be ranked";
  return { traces, layout: { height: 460, xaxis: energyAxis(energies, name), yaxis: { title: { text: `quality: ${plain(group.metric)}` } }, annotations, shapes },
    text: `Left and high is better. The Pareto front has ${many(front.length, "run")}: ${ends}.${near.length ? ` ${many(near.length, "more run")} may belong to it within the intervals.` : ""}${dotted(others.length)}${left}`,
    heads: ["run", "energy per 1,000", "quality", "place"], body: first.slice(0, 50).map((run) => [run.name, plusMinus(run.energy, run.half), digits(run.quality), front.includes(run) ? "front" : near.includes(run) ? "near, within intervals" : ""]) };
}
// A name beside the first mark of each model on the front, where it covers no other name: on its left, where nothing is
function labels(front, energies, qualities, each) {
  const along = wide(energies) ? Math.log10 : (value) => value, span = (values) => Math.max(...values) - Math.min(...values) || 1;
  const across = span(energies.map(along)), high = span(qualities), named = [];
  for (const run of front.filter((run, at) => front.findIndex((first) => first.model === run.model) === at)) {
    const x = along(run.energy / each), y = run.quality;
    if (named.length < 8 && named.every((placed) => Math.abs(placed.y - y) > 0.06 * high || Math.abs(placed.x - x) > 0.25 * across)) named.push({ x, y, text: plain(run.name) });
  }
  const least = Math.min(...energies.map(along)), left = (label) => label.x > least + 0.25 * across;
  return named.map((label) => ({ ...label, showarrow: false, xanchor: left(label) ? "right" : "left", yanchor: "bottom", xshift: left(label) ? -7 : 7, yshift: 6, font: { size: 11, color: css("--soft") } }));
}

const COMPONENTS = [["gpu", "GPU", "--blue"], ["cpu", "CPU", "--orange"], ["ram", "RAM", "--green"]];
function ordered(some, group) {
  const special = [group.chosen, group.runner_up].map((at) => runs[at]).filter((run) => some.includes(run));
  return [...new Set([...special, ...cheapest(some)])].slice(0, BARS);
}
const rest = (some, shown) => (some.length > shown.length ? ` The ${shown.length} cheapest of ${many(some.length, "run")}.` : "");
const barLabel = (run) => `${run.ranked ? "" : "✕ "}${plain(run.model)}<br><span style="font-size:11px">${plain(run.with)}${run.random ? ", random" : ""}</span>`;
function bars(shown, parts, title, each = 1, say = wh) {
  const traces = parts.filter(([, value]) => shown.some((run) => value(run))).map(([name, value, colour, hatched, how]) => ({
    type: "bar", orientation: "h", name: plain(name), x: shown.map((run) => (value(run) || 0) / each), y: shown.map((_, at) => at), hoverinfo: "text", hovertext: shown.map((run) => `${plain(name)}: ${say(value(run))}${how ? ` (${plain(how(run))})` : ""}<br>${plain(run.name)}`), textposition: "none",
    marker: { color: css(colour), line: { color: css(colour), width: 1 }, pattern: { shape: shown.map((run) => (hatched(run) ? "/" : "")), fillmode: "replace", size: 7, solidity: 0.35, fgcolor: css(colour) } } }));
  return { traces, layout: { barmode: "stack", bargap: 0.35, height: 110 + 38 * shown.length, xaxis: { title: { text: title } }, yaxis: { autorange: "reversed", tickvals: shown.map((_, at) => at), ticktext: shown.map(barLabel), automargin: true } } };
}
function componentsChart(some, group) {
  const shown = ordered(some.filter((run) => COMPONENTS.some(([name]) => run[`${name}_wh`])), group), [each, unitName] = unit();
  const evidence = (name) => [...new Set(shown.map((run) => run[name]).filter(Boolean))].join(", ");
  const parts = COMPONENTS.map(([name, label, colour]) => [`${label}: ${evidence(name)}`, (run) => run[`${name}_wh`], colour, (run) => data.estimated.includes(run[name]), (run) => run[name]]);
  const made = bars(shown, parts, `energy, ${unitName} per 1,000`, each);
  if (!made.traces.length) return { text: "No component of these runs is available." };
  const evidences = COMPONENTS.filter(([name]) => evidence(name)).map(([name, label]) => `${label} ${evidence(name)}`).join("; ");
  return { ...made, text: `Which component used it, and how that is known: ${evidences}. Hatched is estimated, not measured by a sensor.${rest(some, shown)}`,
    heads: ["run", "GPU", "CPU", "RAM", "estimated"], body: shown.map((run) => [run.name, ...COMPONENTS.map(([name]) => (run[`${name}_wh`] === null || run[`${name}_wh`] === undefined ? "n/a" : `${wh(run[`${name}_wh`])} (${run[name]})`)), percent(run.estimated)]) };
}
