/** Builders of Grafana panels. */

/** What Grafana calls a unit: a number's meaning and how it is shown. */
export type Unit = "none" | "short" | "reqps" | "percentunit" | "s" | "bytes" | "Bps" | "cps";

export interface Query {
  readonly expr: string;
  /** How a series is named, as in `{{member}}`. */
  readonly legend: string;
}

export interface Limit {
  readonly value: number;
  readonly color: "red" | "orange";
}

export interface Chart {
  readonly title: string;
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Drawn as a line; values above it are coloured. */
  readonly limit?: Limit;
}

export interface Stat extends Omit<Chart, "limit"> {
  /** The value is red from here on, or below here. */
  readonly redFrom?: number;
  readonly redBelow?: number;
  /** Shows the name of the series instead of its value. */
  readonly showName?: boolean;
}

export interface Place {
  readonly id: number;
  readonly x: number;
  readonly y: number;
}

/** Grafana's grid is 24 columns wide; a unit of height is 30 pixels. */
export const GRID_WIDTH = 24;
const CHART = { w: 8, h: 8 };
const STAT = { w: 6, h: 4 };
const DATASOURCE = { type: "prometheus", uid: `\${datasource}` };

export function charts(list: readonly Chart[], firstId: number, top: number) {
  return list.map((chart, index) => chartPanel(chart, placed(index, CHART, firstId, top)));
}

export function stats(list: readonly Stat[], firstId: number, top: number) {
  return list.map((stat, index) => statPanel(stat, placed(index, STAT, firstId, top)));
}

export const STATS_HEIGHT = STAT.h;

/** Left to right, then the next row. */
function placed(
  index: number,
  size: { readonly w: number; readonly h: number },
  firstId: number,
  top: number,
) {
  const perRow = GRID_WIDTH / size.w;
  return {
    id: firstId + index,
    gridPos: { ...size, x: (index % perRow) * size.w, y: top + Math.floor(index / perRow) * size.h },
  };
}

type Placed = ReturnType<typeof placed>;

function chartPanel({ title, description, unit, queries, limit }: Chart, place: Placed) {
  return {
    ...place,
    type: "timeseries",
    title,
    description,
    datasource: DATASOURCE,
    targets: targets(queries),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        custom: {
          lineWidth: 1,
          fillOpacity: 5,
          showPoints: "never",
          thresholdsStyle: { mode: limit === undefined ? "off" : "dashed" },
          // keeps the limit's line in view while all values are far below it
          ...(limit === undefined ? {} : { axisSoftMax: limit.value * 1.2 }),
        },
        thresholds: steps(limit === undefined ? [] : [limit]),
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true },
      tooltip: { mode: "multi", sort: "desc" },
    },
  };
}

function statPanel(
  { title, description, unit, queries, redFrom, redBelow, showName = false }: Stat,
  place: Placed,
) {
  const red = redFrom === undefined ? [] : [{ value: redFrom, color: "red" }];
  const green = redBelow === undefined ? [] : [{ value: redBelow, color: "green" }];
  return {
    ...place,
    type: "stat",
    title,
    description,
    datasource: DATASOURCE,
    targets: targets(queries),
    fieldConfig: {
      defaults: { unit, thresholds: steps([...green, ...red], redBelow === undefined ? "green" : "red") },
      overrides: [],
    },
    options: {
      colorMode: "value",
      graphMode: "none",
      textMode: showName ? "name" : "value",
      reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
    },
  };
}

function targets(queries: readonly Query[]) {
  return queries.map(({ expr, legend }, index) => ({
    refId: String.fromCharCode("A".charCodeAt(0) + index),
    datasource: DATASOURCE,
    expr,
    legendFormat: legend,
  }));
}

function steps(limits: readonly { readonly value: number; readonly color: string }[], base = "green") {
  return { mode: "absolute", steps: [{ value: null, color: base }, ...limits] };
}
