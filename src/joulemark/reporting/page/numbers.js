// Numbers as core/formatting.py writes them: three digits and a unit that fits.
const FORMATS = new Map(); // making one takes longer than using it a hundred times
function fixed(value, places) {
  if (!FORMATS.has(places)) FORMATS.set(places, new Intl.NumberFormat("en-US", { minimumFractionDigits: places, maximumFractionDigits: places }));
  return FORMATS.get(places).format(value);
}
function digits(value, count = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "n/a";
  if (value === 0) return "0";
  const places = Math.max(0, count - 1 - Math.floor(Math.log10(Math.abs(value))));
  const text = fixed(value, Math.min(places, 12));
  return places > count + 2 ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}
function scaled(value, units) {
  if (value === null || value === undefined) return "n/a";
  const [each, unit] = units.find(([size]) => Math.abs(value) >= size * 0.9995) || units[units.length - 1];
  return `${digits(value / each)} ${unit}`.trim();
}
const WH = [[1e9, "GWh"], [1e6, "MWh"], [1e3, "kWh"], [1, "Wh"], [1e-3, "mWh"], [1e-6, "µWh"]];
const wh = (value) => scaled(value, WH);
const seconds = (value) => scaled(value, [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]]);
const bytes = (value) => scaled(value, [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]);
const counted = (value) => scaled(value, [[1e9, "B"], [1e6, "M"], [1e3, "k"], [1, ""]]);
const percent = (value) => (value === null || value === undefined ? "n/a" : `${digits(100 * value, 2)} %`);
const mass = (value) => scaled(value, [[1e6, "t"], [1e3, "kg"], [1, "g"], [1e-3, "mg"], [1e-6, "µg"]]);
const times = (value) => (value === null || value === undefined ? "n/a" : `${digits(value)}×`);
function plusMinus(value, half) {
  if (value === null || value === undefined) return "n/a";
  const text = wh(value);
  if (half === null) return `${text} (no interval)`;
  const [number, unit] = text.split(" ");
  const width = half / WH.find(([, name]) => name === unit)[0], places = (number.split(".")[1] || "").length;
  const rounded = fixed(width, places);
  return `${number} ± ${/[1-9]/.test(rounded) || !half ? rounded : digits(width, 1)} ${unit}`;
}
// One for all: localeCompare with options makes one for each pair
const ORDER = new Intl.Collator("en", { numeric: true });
const inOrder = (a, b) => ORDER.compare(a, b);
const spoken = (name) => name.replaceAll("_", " ");
// Plotly reads some tags in its texts; a name that holds them shall be read as it is
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
