// The data of the page as run objects: what was stored in columns, and each run's place in its groups.
const data = JSON.parse(document.getElementById("data").textContent);
const random = new Set(data.random), unranked = new Set(data.unranked);
const column = (name) => data.numbers[name] || [];
const runs = data.ids.map((id, at) => {
  const run = { at, id, random: random.has(at), ranked: !unranked.has(at) };
  for (const [name, coded] of Object.entries(data.texts)) run[name] = coded.values[coded.at[at]];
  for (const [name, values] of Object.entries(data.numbers)) run[name] = values[at] ?? null;
  run.gross = run.gross_wh ?? run.energy; // energy is what the run is ranked by
  run.gross_half = run.gross_wh === null || run.gross_wh === undefined ? run.half : run.gross_half;
  run.with = [run.precision, run.batch === null ? "" : `batch ${run.batch}`, run.settings].filter(Boolean).join(", ");
  run.name = run.with ? `${run.model} · ${run.with}` : run.model; // of others' results the settings may be unknown
  run.hollow = (run.estimated || 0) > 0.2 || run.flags.split(", ").includes("estimated"); // the site may accept less
  run.search = `${run.model} ${run.with} ${run.role} ${run.weights} ${run.flags} ${run.verdict} ${id}`.toLowerCase();
  return run;
});
const groups = data.groups;
const groupOf = (id) => groups.find((group) => group.id === id) || groups[data.first];
const KEPT = new WeakMap(); // of a group, the runs that meet its constraints and decide something
const keptOf = (group) => KEPT.get(group) || KEPT.set(group, new Set(group.kept)).get(group);
const ranksByDynamic = () => groupOf(state.g).quantity === "dynamic";
const link = (run) => `${data.ui}/#/experiments/${encodeURIComponent(run.experiment)}/runs/${run.id}`;
