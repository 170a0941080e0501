/** Writers without a pause: as much as the machine bears, and what became of it. */

import { type Written, whileRunning } from "../../lab/writing.ts";
import type { Project } from "../e2e/project.ts";
import { servedTo } from "../e2e/writing.ts";
import { tool } from "./tool.ts";

export interface Load extends Written {
  readonly seconds: number;
  readonly perSecond: readonly number[];
}

/** How many clients, how many writes each has under way, and what they write (tools/writers). */
type Options = Readonly<
  Partial<Record<"clients" | "pipelined" | "bytes" | "count" | "limit" | "prefix" | "apart", number | string>>
>;

/** Writes until what `work` does has ended; or, if `count` is given, so many times. */
export async function underLoad(
  project: Project,
  options: Options,
  work: () => Promise<unknown> = async () => {},
): Promise<Load> {
  const { bundle, endpoints } = await servedTo(project);
  const words = Object.entries(options).map(([option, value]) => `-${option}=${value}`);
  const program = [await tool("writers"), ...words, bundle, ...endpoints];
  return JSON.parse(await whileRunning(program, project.env, work));
}

/** Acknowledged writes a second: on average, and in the middle second of all. */
export function rates({ acknowledged, seconds, perSecond }: Load): string {
  const median = perSecond.toSorted((a, b) => a - b)[Math.floor(perSecond.length / 2)];
  return `${Math.round(acknowledged / seconds)} writes/s (median second ${median})`;
}
