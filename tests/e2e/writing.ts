/** The writers beside a test: started before the change, judged after it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { labCommand } from "../../lab/describe.ts";
import { type Served, type Written, whileWriting as whileWritingTo } from "../../lab/writing.ts";
import { labEnv, must, onHost, run } from "./lab.ts";
import type { Project } from "./project.ts";

/** Without a write for so long the leader was lost, not moved: its SIGKILL measured 1,033 ms, a planned restart 75. */
const UNPLANNED_MS = 900;

/** A busy machine delays writes as well: a leader that was lost left an election by time-out in a member's log. */
export async function assertNoOutage(
  { longestGapMs, gapBegan }: Written,
  hosts: readonly number[],
): Promise<void> {
  if (longestGapMs < UNPLANNED_MS) return;
  const since = Math.floor(Date.parse(gapBegan) / 1000) - 2;
  const elections = `journalctl -u etcd -o cat --no-pager --since @${since} | grep 'is starting a new election' || true`;
  const found = await Promise.all(hosts.map((n) => onHost(n, elections)));
  assert.deepEqual(found.filter(Boolean), [], `no write for ${longestGapMs} ms since ${gapBegan}`);
}

/**
 * Milliseconds between the writes of each of the six clients: some thirty writes a second, one in any gap that would count.
 * A write costs the machine some 3 ms of work (the client's and three members'), which the other labs and engines want too.
 */
const PAUSE_MS = 150;

/** Writes to a stack's cluster, as its administrator, all the time that `work` takes. */
export async function whileWriting(project: Project, work: () => Promise<unknown>): Promise<Written> {
  return whileWritingTo(await servedTo(project), work, PAUSE_MS, labEnv);
}

/** Where a stack's cluster is, and a folder with what its administrator has. */
export async function servedTo(project: Project): Promise<Served> {
  const bundle = join(project.dir, "bundle");
  const client = `cd '${project.dir}' && node cli/client/client.ts --write-bundle bundle`;
  await must(run(labCommand, ["exec", "sh", "-c", client], project.env));
  const endpoints = await project.output("endpoints");
  if (!Array.isArray(endpoints)) throw new Error("the stack has no endpoints");
  return { bundle, endpoints };
}
