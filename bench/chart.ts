/** The picture beside the table: one bar for each time, its spread and its goal. */

import { type Figure, figures, format, type Round, summaryOf } from "./figures.ts";

const WIDTH = 760;
const LABEL = 290;
const VALUE = 70;
const ROW = 24;
const TOP = 16;
const AXIS = 44;
const INK = "#24292f";
const FAINT = "#d0d7de";
const FONT = "font-family='system-ui, sans-serif' font-size='13'";

export function chart(rounds: readonly Round[]): string {
  const bars = figures
    .filter(({ unit }) => unit === "s")
    .map((figure) => ({ figure, ...summaryOf(figure, rounds) }));
  const step = stepFor(Math.max(...bars.map(({ most }) => most)));
  const limit = step * Math.ceil(Math.max(...bars.map(({ most }) => most)) / step);
  const x = (seconds: number) =>
    Number((LABEL + (Math.max(seconds, 0) / limit) * (WIDTH - LABEL - VALUE)).toFixed(1));
  const bottom = TOP + bars.length * ROW;
  const ticks = Array.from({ length: Math.round(limit / step) + 1 }, (_, index) => index * step);
  return `${[
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${WIDTH} ${bottom + AXIS}' width='${WIDTH}' height='${bottom + AXIS}' role='img' ${FONT} fill='${INK}'>`,
    "<title>Medians of all times in seconds, with their spread and goals</title>",
    `<rect width='100%' height='100%' fill='#ffffff'/>`,
    ...ticks.flatMap((tick) => [
      line(x(tick), TOP, x(tick), bottom, FAINT),
      `<text x='${x(tick)}' y='${bottom + 16}' text-anchor='middle'>${tick}</text>`,
    ]),
    ...bars.flatMap((bar, index) => row(bar, TOP + index * ROW, x)),
    `<text x='${LABEL}' y='${bottom + 34}'>seconds; thin line: least to most; red: goal</text>`,
    "</svg>",
  ].join("\n")}\n`;
}

interface Bar {
  readonly figure: Figure;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

function row({ figure, median, least, most }: Bar, y: number, x: (seconds: number) => number): string[] {
  const middle = y + ROW / 2;
  const width = Number((x(median) - x(0)).toFixed(1));
  return [
    `<text x='${LABEL - 8}' y='${middle + 4}' text-anchor='end'>${escaped(figure.title.replaceAll("`", ""))}</text>`,
    `<rect x='${x(0)}' y='${y + 4}' width='${width}' height='${ROW - 8}' fill='#6cb6ff'/>`,
    line(x(least), middle, x(most), middle, INK),
    ...(figure.goal === undefined
      ? []
      : [line(x(figure.goal), y + 1, x(figure.goal), y + ROW - 1, "#cf222e", 2)]),
    `<text x='${x(Math.max(most, figure.goal ?? 0)) + 8}' y='${middle + 4}'>${format(median, "s")}</text>`,
  ];
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, width = 1): string {
  return `<line x1='${x1}' y1='${y1}' x2='${x2}' y2='${y2}' stroke='${colour}' stroke-width='${width}'/>`;
}

/** Between five and about ten lines. */
function stepFor(most: number): number {
  return [0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((step) => most / step <= 10) ?? 60;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
