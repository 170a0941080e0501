/** Writers beside a change: started before it, with what they saw afterwards. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { labCommand } from "./describe.ts";

const writer = fileURLToPath(new URL("./writer.ts", import.meta.url));

/** A cluster, as its clients need it. */
export interface Served {
  /** The folder with `ca.crt`, `client.crt` and `client.key`. */
  readonly bundle: string;
  readonly endpoints: readonly string[];
}

export interface Written {
  readonly acknowledged: number;
  readonly missing: number;
  /** Longest time between two acknowledged writes of the six clients, in milliseconds. */
  readonly longestGapMs: number;
  /** RFC 3339, to look the gap up in the members' logs. */
  readonly gapBegan: string;
}

/**
 * Writes all the time that `work` takes.
 * @param pauseMs milliseconds between the writes of each client: the machine also has three members and an engine to run
 * @param env which lab it is
 */
export async function whileWriting(
  { bundle, endpoints }: Served,
  work: () => Promise<unknown>,
  pauseMs = 2,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Written> {
  const words = ["node", "--no-warnings", writer, String(pauseMs), bundle, ...endpoints];
  return JSON.parse(await whileRunning(words, env, work));
}

/**
 * Runs a program in the network of the lab's client while `work` goes on. It says one line as it begins, and one at the end of
 * its input, which is returned.
 */
export async function whileRunning(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  work: () => Promise<unknown>,
): Promise<string> {
  const child = spawn(labCommand, ["exec", ...words], { env, stdio: ["pipe", "pipe", "inherit"] });
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
  return String(value);
}
