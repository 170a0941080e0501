/** Writers without a pause: as much as the machine bears, and what became of it. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { labCommand } from "../../lab/describe.ts";
import type { Written } from "../../lab/writing.ts";
import { must, run } from "../e2e/lab.ts";
import type { Project } from "../e2e/project.ts";
import { tool } from "./tool.ts";

export interface Load extends Written {
  readonly seconds: number;
  readonly perSecond: readonly number[];
}

/** How many clients, how many writes each has under way, and what they write (tools/writers). */
type Options = Readonly<
  Partial<Record<"clients" | "pipelined" | "bytes" | "count" | "limit" | "prefix", number | string>>
>;

/** Writes until what `work` does has ended; or, if `count` is given, so many times. */
export async function underLoad(
  project: Project,
  options: Options,
  work: () => Promise<unknown> = async () => {},
): Promise<Load> {
  const bundle = join(project.dir, "bundle");
  const client = `cd '${project.dir}' && node cli/client/client.ts --write-bundle bundle`;
  await must(run(labCommand, ["exec", "sh", "-c", client], project.env));
  const endpoints = await project.output("endpoints");
  if (!Array.isArray(endpoints)) throw new Error("the stack has no endpoints");
  const words = Object.entries(options).map(([option, value]) => `-${option}=${value}`);
  const child = spawn(labCommand, ["exec", await tool("writers"), ...words, bundle, ...endpoints], {
    env: project.env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next(); // "writing"
  try {
    await work();
  } catch (error) {
    child.kill(); // it would wait for a cluster that may be gone
    throw error;
  }
  child.stdin.end();
  const { value } = await lines.next();
  if (child.exitCode === null) await once(child, "exit");
  return JSON.parse(String(value));
}

/** Acknowledged writes a second: on average, and in the middle second of all. */
export function rates({ acknowledged, seconds, perSecond }: Load): string {
  const median = perSecond.toSorted((a, b) => a - b)[Math.floor(perSecond.length / 2)];
  return `${Math.round(acknowledged / seconds)} writes/s (median second ${median})`;
}
