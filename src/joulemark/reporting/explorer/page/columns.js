// The columns as the page's data holds them, decoded once. Of a number that is unknown the value is NaN, of a text "".
const data = JSON.parse(document.getElementById("data").textContent), ROWS = data.rows;
const byId = (id) => document.getElementById(id);
function decoded(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
  return bytes;
}
const WIDTHS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };
const codesOf = (coded) => new WIDTHS[coded.width](decoded(coded.at).buffer);
const TEXTS = data.texts.map((column) => ({ ...column, text: true, codes: codesOf(column) }));
const NUMBERS = data.numbers.map((column) => ({ ...column, figures: figuresOf(column), exact: !column.singles }));
const COLUMNS = new Map([...TEXTS, ...NUMBERS].map((column) => [column.name, column]));
const KINDS = Object.fromEntries(Object.entries(data.kinds).map(([name, coded]) => [name, codesOf(coded)]));
const experiments = codesOf(data.experiments), idBytes = data.ids.bytes ? decoded(data.ids.bytes) : null;

function figuresOf(column) {
  if (column.singles) return new Float32Array(decoded(column.singles).buffer);
  const values = column.values.map((value) => (value === null ? NaN : value)), codes = codesOf(column), figures = new Float64Array(ROWS);
  for (let row = 0; row < ROWS; row++) figures[row] = values[codes[row]];
  return figures;
}
const textOf = (column, row) => column.values[column.codes[row]];
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
function idOf(row) {
  if (!idBytes) return data.ids.values[row];
  let id = "";
  for (let at = row * 16; at < row * 16 + 16; at++) id += HEX[idBytes[at]];
  return id;
}
const link = (row) => `${data.ui}/#/experiments/${encodeURIComponent(data.experiments.values[experiments[row]])}/runs/${encodeURIComponent(idOf(row))}`;
const FORMATTED = { wh, s: seconds, count: counted, bytes, share: percent, grams: mass, plain: digits, whole: (value) => value.toLocaleString("en-US"), day: (value) => new Date(value * 1000).toISOString().slice(0, 10) };
// As the page shows it: what is unknown is empty
function shownOf(column, row) {
  if (column.text) return textOf(column, row);
  const value = column.figures[row];
  return Number.isNaN(value) ? "" : FORMATTED[column.format](value);
}
const many = (count, noun) => `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
