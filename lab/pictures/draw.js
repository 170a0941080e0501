// Draws `dashboard` into the page: a panel for each entry, placed by its gridPos. Runs in the browser, with uPlot.
/* global dashboard, uPlot, document */

const COLORS = [
  "#73bf69",
  "#f2cc0c",
  "#5794f2",
  "#ff9830",
  "#b877d9",
  "#8ab8ff",
  "#ff7383",
  "#96d98d",
  "#ca95e5",
];
const NAMED = { red: "#f2495c", orange: "#ff9830", green: "#73bf69" };
const GAP = 8;
const ROW = 30;
const LEGEND_ROW = 15;

const cell = (dashboard.width - GAP) / 24;

/** Numbers as Grafana writes them, for the units that our panels use. */
const formats = {
  none: (value) => String(value),
  short: (value) => scaled(value, 1000, ["", " K", " Mil"]),
  reqps: (value) => `${scaled(value, 1000, ["", "K"])} req/s`,
  cps: (value) => `${scaled(value, 1000, ["", "K"])} c/s`,
  percentunit: (value) => `${trimmed(value * 100)}%`,
  s: (value) => (value === 0 ? "0 s" : value < 1 ? `${trimmed(value * 1000)} ms` : `${trimmed(value)} s`),
  bytes: (value) => scaled(value, 1024, [" B", " KiB", " MiB", " GiB"]),
  Bps: (value) => scaled(value, 1000, [" B/s", " kB/s", " MB/s"]),
};

function scaled(value, base, units) {
  const power =
    value === 0 ? 0 : Math.min(units.length - 1, Math.max(0, Math.floor(Math.log(value) / Math.log(base))));
  return `${trimmed(value / base ** power)}${units[power]}`;
}

function trimmed(value) {
  return String(Number(value.toPrecision(3)));
}

function element(tag, parent, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  parent.append(made);
  return made;
}

function section(panel, parent) {
  const { x, y, w, h } = panel.gridPos;
  const box = element("section", parent);
  const size = { width: w * cell - GAP, height: h * ROW - GAP };
  box.style.left = `${GAP + x * cell}px`;
  box.style.top = `${y * ROW}px`;
  box.style.width = `${size.width}px`;
  box.style.height = `${size.height}px`;
  element("h2", box, panel.title);
  return { box, ...size };
}

/** The last value, in the colour of the step that it has reached. */
function drawStat(panel, { box }) {
  const last = panel.series
    .map(({ name, values }) => ({ name, value: values.at(-1) }))
    .find(({ value }) => value !== null);
  const { unit, thresholds } = panel.fieldConfig.defaults;
  const name = panel.options.textMode === "name";
  const text = last === undefined ? "No data" : name ? last.name : formats[unit](last.value);
  const tile = element("div", box, text);
  tile.className = "stat";
  const reached = thresholds.steps.filter(({ value }) => value === null || value <= (last?.value ?? 0));
  tile.style.color = NAMED[reached.at(-1).color];
}

function drawChart(panel, { box, width, height }) {
  const { unit, thresholds, custom } = panel.fieldConfig.defaults;
  const limit = thresholds.steps.find(({ value }) => value !== null);
  const axis = { stroke: "#8e8e99", grid: { stroke: "#25272d", width: 1 }, ticks: { show: false } };
  const perRow = panel.series.reduce((most, { name }) => Math.max(most, name.length), 0) > 10 ? 3 : 6;
  const legendRows = Math.max(1, Math.ceil(panel.series.length / perRow));
  const steps = unit === "bytes" ? { incrs: Array.from({ length: 40 }, (_, power) => 2 ** power) } : {};
  const options = {
    width: width - 18,
    height: height - 36 - legendRows * LEGEND_ROW,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.1, custom.axisSoftMax ?? 0) || 1] } },
    axes: [
      { ...axis, values: (_, splits) => splits.map(clock), space: 70, size: 24 },
      { ...axis, ...steps, values: (_, splits) => splits.map(formats[unit]), size: 68, space: 26 },
    ],
    series: [
      {},
      ...panel.series.map((_, index) => ({
        stroke: color(index),
        width: 1.3,
        fill: `${color(index)}08`,
        points: { show: false },
      })),
    ],
    hooks: { draw: limit === undefined ? [] : [(plot) => drawLimit(plot, limit)] },
  };
  new uPlot(options, [dashboard.times, ...panel.series.map(({ values }) => values)], box);
  const legend = element("ul", box);
  panel.series.forEach(({ name }, index) => {
    element("li", legend, name).style.setProperty("--color", color(index));
  });
}

function drawLimit(plot, { value, color: name }) {
  const { ctx, bbox } = plot;
  const y = plot.valToPos(value, "y", true);
  ctx.save();
  ctx.strokeStyle = NAMED[name];
  ctx.lineWidth = 1.5;
  ctx.setLineDash([8, 6]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

function color(index) {
  return COLORS[index % COLORS.length];
}

function clock(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, 16);
}

const header = element("header", document.body);
element("strong", header, dashboard.title);
element("span", header, dashboard.note);
const main = element("main", document.body);
const rows = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
main.style.height = `${rows * ROW}px`;
for (const panel of dashboard.panels) {
  const place = section(panel, main);
  if (panel.type === "stat") drawStat(panel, place);
  else drawChart(panel, place);
}
