// A mark for each row on a canvas below Plotly's axes: its WebGL makes code from text as it runs, which the page's policy
// forbids. A mark is painted once and copied; many are dots.
const SIZE = { sparse: 9, dense: 3 }, NEAR = 9, ROUNDS = 24; // CSS pixels: across a mark, and from the pointer to a mark that is meant
let painted = { groups: [], dense: false, rows: new Uint32Array(0), x: new Float32Array(0), y: new Float32Array(0), area: null };

function setMarks(groups, dense) {
  const total = groups.reduce((sum, group) => sum + group.rows.length, 0);
  painted = { groups, dense, rows: new Uint32Array(total), x: new Float32Array(total), y: new Float32Array(total), area: null };
}
// Where the marks lie: the area within the axes in pixels of the plot, and from a value to a pixel of it
function placesOf(plot, changes) {
  const inside = plot.querySelector(".nsewdrag"), outside = plot.querySelector(".svg-container");
  if (!inside || !outside) return null;
  const box = inside.getBoundingClientRect(), whole = outside.getBoundingClientRect();
  const along = (name, length, turned) => {
    const { type, range: held } = plot.layout[name], raw = [0, 1].map((end) => changes?.[`${name}.range[${end}]`] ?? held[end]);
    const [low, high] = type === "date" ? raw.map(momentOf) : raw.map(Number), scale = length / (high - low);
    const at = type === "log" ? (value) => (Math.log10(value) - low) * scale : (value) => (value - low) * scale;
    return turned ? (value) => length - at(value) : at;
  };
  return { left: box.left - whole.left, top: box.top - whole.top, width: box.width, height: box.height, whole, outside, x: along("xaxis", box.width, false), y: along("yaxis", box.height, true) };
}
function canvasOf({ outside, whole }, ratio) {
  let canvas = outside.querySelector("canvas.marks");
  if (!canvas) { canvas = make("canvas", { class: "marks", "aria-hidden": "true" }); (outside.querySelector(".gl-container") || outside).prepend(canvas); } // above the grid, below the brush
  const width = Math.round(whole.width * ratio), height = Math.round(whole.height * ratio);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; canvas.style.width = `${whole.width}px`; canvas.style.height = `${whole.height}px`; }
  return canvas;
}
function spriteOf(color, mark, size, ratio) {
  const canvas = document.createElement("canvas"), pixels = Math.ceil((size + 2) * ratio), pen = canvas.getContext("2d"), middle = pixels / 2, reach = (size / 2) * ratio;
  canvas.width = canvas.height = pixels;
  pen.fillStyle = pen.strokeStyle = color;
  pen.lineWidth = Math.max(1, 1.6 * ratio * (size / SIZE.sparse));
  pen.beginPath();
  if (mark === 0) pen.arc(middle, middle, reach, 0, 7);
  else if (mark === 1) for (const turn of [1, -1]) { pen.moveTo(middle - reach, middle - turn * reach); pen.lineTo(middle + reach, middle + turn * reach); }
  else for (const [dx, dy] of [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]]) pen.lineTo(middle + dx * reach, middle + dy * reach);
  if (mark === 1) pen.stroke(); else pen.fill();
  return canvas;
}
function paintMarks(changes) {
  const plot = byId("plot"), places = placesOf(plot, changes);
  if (!places) return;
  const ratio = devicePixelRatio || 1, canvas = canvasOf(places, ratio), pen = canvas.getContext("2d"), size = painted.dense ? SIZE.dense : SIZE.sparse;
  const x = COLUMNS.get(state.x).figures, y = COLUMNS.get(state.y).figures;
  let count = 0;
  painted.area = places;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.save();
  pen.beginPath();
  pen.rect(places.left * ratio, places.top * ratio, places.width * ratio, places.height * ratio);
  pen.clip();
  pen.globalAlpha = painted.dense ? 0.5 : 0.8;
  // In rounds, a part of each colour at a time: painted one after the other, the last colour would hide the others
  const looks = painted.groups.map(({ rows, color }) => ({ rows, color, sprites: [0, 1, 2].map((mark) => (rows.length ? spriteOf(color, mark, mark && painted.dense ? size + 2 : size, ratio) : null)) }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { rows, color, sprites } of looks) {
      pen.fillStyle = color;
      for (let at = Math.floor((rows.length * round) / ROUNDS), end = Math.floor((rows.length * (round + 1)) / ROUNDS); at < end; at++) {
        const row = rows[at], left = places.x(x[row]) + places.left, top = places.y(y[row]) + places.top, mark = markOf(row);
        painted.rows[count] = row;
        painted.x[count] = left;
        painted.y[count++] = top;
        if (left < places.left - size || left > places.left + places.width + size || top < places.top - size || top > places.top + places.height + size) continue;
        if (painted.dense && mark === 0) pen.fillRect(Math.round((left - size / 2) * ratio), Math.round((top - size / 2) * ratio), size * ratio, size * ratio);
        else pen.drawImage(sprites[mark], Math.round(left * ratio - sprites[mark].width / 2), Math.round(top * ratio - sprites[mark].height / 2));
      }
    }
  }
  pen.restore();
}
// The row whose mark is nearest to the pointer, -1 where none is near; the last that was painted of equals, which lies on top
function nearestTo(event) {
  const { area, rows, x, y } = painted;
  if (!area || !event.target.closest?.("#plot")) return -1;
  const whole = area.outside.getBoundingClientRect(), left = event.clientX - whole.left, top = event.clientY - whole.top;
  if (left < area.left || left > area.left + area.width || top < area.top || top > area.top + area.height) return -1;
  let best = -1, least = NEAR * NEAR;
  for (let at = 0; at < rows.length; at++) {
    const distance = (x[at] - left) ** 2 + (y[at] - top) ** 2;
    if (distance <= least) { least = distance; best = rows[at]; }
  }
  return best;
}
