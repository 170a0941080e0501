// dashboard.ts DASHBOARD.json PNG [MINUTES]: draws a dashboard's panels with what a Prometheus on 127.0.0.1:9090 answers.
// Drawn by this file and uPlot, not by Grafana, which no package registry carries; only what our panels use is known.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { argv } from "node:process";
import type { dashboard } from "../../monitoring/dashboard.ts";
import { screenshot } from "./screenshot.ts";

type Dashboard = ReturnType<typeof dashboard>;
type Panel = Dashboard["panels"][number];

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

const PROMETHEUS = "http://127.0.0.1:9090";
const WIDTH = 1400;
const STEP = 10; // seconds between two points
const RATE_INTERVAL = "1m";

/** A panel with the values of its series at all of these times. */
async function drawn(panel: Panel, cluster: string, times: readonly number[]) {
  const series = [];
  for (const { expr, legendFormat } of panel.targets) {
    const query = expr.replaceAll("$cluster", cluster).replaceAll("$__rate_interval", RATE_INTERVAL);
    for (const { metric, values } of await queryRange(query, times)) {
      const at = new Map(values.map(([time, value]) => [Math.round(time), Number(value)]));
      series.push({
        name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ""),
        values: times.map((time) => finite(at.get(time))),
      });
    }
  }
  series.sort((one, other) => one.name.localeCompare(other.name));
  const { title, type, gridPos, fieldConfig, options } = panel;
  return { title, type, gridPos, fieldConfig, options, series };
}

async function queryRange(query: string, times: readonly number[]): Promise<readonly Series[]> {
  const parameters = { query, start: `${times[0]}`, end: `${times.at(-1)}`, step: `${STEP}` };
  const answer = await fetch(`${PROMETHEUS}/api/v1/query_range?${new URLSearchParams(parameters)}`);
  const { data, error } = JSON.parse(await answer.text());
  if (error !== undefined) throw new Error(`Prometheus: ${error}`);
  return data.result;
}

/** A percentile of nothing is NaN, which is a gap. */
function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}

async function page(title: string, data: unknown): Promise<string> {
  const require = createRequire(import.meta.url);
  const uplot = (file: string) => readFile(require.resolve(`uplot/dist/${file}`), "utf8");
  const own = (file: string) => readFile(new URL(file, import.meta.url), "utf8");
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return `<!doctype html><html><head><meta charset="utf-8"><title>${title}</title>
    <style>${await uplot("uPlot.min.css")}${await own("dashboard.css")}</style></head><body>
    <script>${await uplot("uPlot.iife.min.js")}</script>
    <script>const dashboard = ${json};</script><script>${await own("draw.js")}</script></body></html>`;
}

async function main(): Promise<void> {
  const [file, png, minutes = "20"] = argv.slice(2);
  if (file === undefined || png === undefined)
    throw new Error("usage: dashboard.ts DASHBOARD.json PNG [MINUTES]");
  const { title, templating, panels }: Dashboard = JSON.parse(await readFile(file, "utf8"));
  const cluster = templating.list.flatMap((variable) =>
    "current" in variable ? [variable.current.value] : [],
  )[0];
  if (cluster === undefined)
    throw new Error(`${file} names no cluster: write it again with npm run monitoring.`);
  const end = Math.floor(Date.now() / 1000 / STEP) * STEP;
  const count = (Number(minutes) * 60) / STEP;
  const times = Array.from({ length: count + 1 }, (_, index) => end - (count - index) * STEP);
  const drawings = [];
  for (const panel of panels) drawings.push(await drawn(panel, cluster, times));
  const note = "drawn from dashboard.json by lab/pictures, not by Grafana";
  await screenshot(await page(title, { title, note, width: WIDTH, times, panels: drawings }), png, WIDTH);
}

await main();
