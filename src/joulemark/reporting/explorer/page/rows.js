// Which rows the filters leave, which of them the brush holds, and in which order.
const SEARCHED = TEXTS.filter((column) => column.name !== "boundary");
const listedIn = (column, value) => (column.several ? value.split(", ") : [value]);

// For each row the filters that refuse it, a bit each: bit 0 is of search and bounds, the others of one column of texts
let refused = { key: "", marks: new Uint32Array(ROWS), bits: {} };
function marks() {
  const key = JSON.stringify([state.q, state.chosen, state.least, state.most]);
  if (refused.key === key) return refused;
  const result = new Uint32Array(ROWS), bits = {};
  Object.entries(state.chosen).forEach(([name, values], at) => {
    const column = COLUMNS.get(name), some = new Set(values), bit = (bits[name] = 2 << at) >>> 0;
    const ok = column.values.map((value) => listedIn(column, value).some((each) => some.has(each)));
    for (let row = 0; row < ROWS; row++) if (!ok[column.codes[row]]) result[row] |= bit;
  });
  for (const [bounds, refuses] of [[state.least, (value, bound) => !(value >= bound)], [state.most, (value, bound) => !(value <= bound)]]) {
    for (const [name, text] of Object.entries(bounds)) {
      const bound = Number.parseFloat(text), { figures } = COLUMNS.get(name);
      if (Number.isFinite(bound)) for (let row = 0; row < ROWS; row++) if (refuses(figures[row], bound)) result[row] |= 1; // NaN meets no bound
    }
  }
  for (const term of state.q.toLowerCase().split(/\s+/).filter(Boolean)) {
    const found = SEARCHED.map((column) => [column.codes, Uint8Array.from(column.values, (value) => Number(value.toLowerCase().includes(term)))]).filter(([, has]) => has.includes(1));
    const isId = /^[0-9a-f]{6,32}$/.test(term);
    for (let row = 0; row < ROWS; row++) if (!found.some(([codes, has]) => has[codes[row]]) && !(isId && idOf(row).startsWith(term))) result[row] |= 1;
  }
  return (refused = { key, marks: result, bits });
}
// How many rows have each value of a column, its own filter left aside
function countsOf(column) {
  const { marks: all, bits } = marks(), others = ~(bits[column.name] || 0), codes = new Uint32Array(column.values.length), counts = new Map();
  for (let row = 0; row < ROWS; row++) if (!(all[row] & others)) codes[column.codes[row]] += 1;
  column.values.forEach((value, at) => listedIn(column, value).forEach((each) => counts.set(each, (counts.get(each) || 0) + codes[at])));
  return counts;
}
function leftRows() {
  const { marks: all } = marks(), rows = new Uint32Array(ROWS);
  let count = 0;
  for (let row = 0; row < ROWS; row++) if (!all[row]) rows[count++] = row;
  return rows.subarray(0, count);
}
function brushed(rows) {
  const box = boxOf();
  if (!box) return rows;
  const [left, right, low, high] = box, x = COLUMNS.get(state.x).figures, y = COLUMNS.get(state.y).figures;
  return rows.filter((row) => x[row] >= left && x[row] <= right && y[row] >= low && y[row] <= high);
}
// All rows in the order of a column, what is unknown last either way; made once
const ORDERS = new Map();
function orderBy(name, dir) {
  const key = `${name} ${dir}`;
  if (!ORDERS.has(key)) ORDERS.set(key, COLUMNS.get(name).text ? orderOfTexts(COLUMNS.get(name), dir) : orderOfNumbers(COLUMNS.get(name).figures, dir));
  return ORDERS.get(key);
}
function orderOfNumbers(figures, dir) {
  const sign = dir === "down" ? -1 : 1, known = [], unknown = [];
  for (let row = 0; row < ROWS; row++) (Number.isNaN(figures[row]) ? unknown : known).push(row);
  known.sort((a, b) => sign * (figures[a] - figures[b]) || a - b);
  return Uint32Array.from([...known, ...unknown]);
}
function orderOfTexts(column, dir) {
  const sign = dir === "down" ? -1 : 1, places = column.values.map((_, at) => at);
  places.sort((a, b) => (column.values[a] === "") - (column.values[b] === "") || sign * inOrder(column.values[a], column.values[b]));
  const buckets = column.values.map(() => []);
  for (let row = 0; row < ROWS; row++) buckets[column.codes[row]].push(row);
  return Uint32Array.from(places.flatMap((at) => buckets[at]));
}
function sorted(rows) {
  const order = orderBy(state.sort, state.dir);
  if (rows.length === ROWS) return order;
  const among = new Uint8Array(ROWS);
  for (const row of rows) among[row] = 1;
  return order.filter((row) => among[row]);
}
