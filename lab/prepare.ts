// What must be there before the program can run in the lab. Each step is quick when it was done before.
import { fileURLToPath } from "node:url";
import type { Log } from "../lib/progress.ts";
import { run } from "../lib/run.ts";
import { describeLab, labCommand } from "./describe.ts";

/** Makes the Pulumi engine ready for `lab exec`. */
export function prepareEngine(log: Log): Promise<string> {
  return run(labCommand, ["engine"], log);
}

/** Makes the archive of an etcd version for the lab's mirror. */
export async function prepareEtcd(version: string, log: Log): Promise<string> {
  await run(fileURLToPath(new URL("etcd/build", import.meta.url)), [version], log);
  return version;
}

/** Makes the lab's hosts run. */
export async function prepareLab(count: number, log: Log): Promise<string> {
  await run(labCommand, ["up", String(count)], log);
  const { nodes } = await describeLab();
  return `${nodes.length} hosts: ${nodes.map((node) => node.address).join(", ")}`;
}
