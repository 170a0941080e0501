/** Timers' defragmentations, by the members' own logs: when each was at it, to the millisecond. */

import assert from "node:assert/strict";
import { must, onHost } from "./lab.ts";
import { cli } from "./planned.ts";
import type { Project } from "./project.ts";

/** What a timer calls, with how much has to be free. */
export const byRule = "etcd-host defragment --by-rule --free-mib=50 --free-percent=40 2>&1";

/** As etcd itself says it, whoever still waits for it. */
const IN_FLIGHT = `curl -s http://127.0.0.1:2381/metrics | sed -n 's/^etcd_disk_defrag_inflight //p'`;

export interface Member {
  readonly name: string;
  readonly role: string;
  readonly dbBytes: number;
  readonly fragmentation: number;
}
export async function membersOf(project: Project): Promise<readonly Member[]> {
  return JSON.parse((await must(cli(project, "status", "--json"))).stdout).members;
}
/** The number of the first host whose member leads, or does not. */
export async function hostOf(role: "leader" | "follower", project: Project): Promise<number> {
  return 1 + (await membersOf(project)).findIndex((member) => member.role === role);
}

/** Calls it, and ends the call, but not the server, in the middle. */
export function killInTheMiddle(n: number): Promise<string> {
  return onHost(
    n,
    `${byRule} >/tmp/killed & pid=$!
    until [ "$(${IN_FLIGHT})" = 1 ] || ! kill -0 "$pid" 2>/dev/null; do :; done
    kill -9 "$pid" && echo killed`,
  );
}

export type Turn = readonly [number, number];

/** The turns of all hosts since a time in milliseconds, in their order. */
export async function turnsSince(since: number, hosts: readonly number[]): Promise<readonly Turn[]> {
  const log = `journalctl -u etcd -o cat --no-pager --since @${Math.floor(since / 1000)} | grep -e '"starting defragment"' -e '"finished defragment"'`;
  const logs = await Promise.all(hosts.map((n) => onHost(n, log)));
  const turns = logs.flatMap((text) => {
    const times = text.split("\n").map((line) => Date.parse(JSON.parse(line).ts));
    assert.equal(times.length % 2, 0, "each that was begun was finished");
    return times.flatMap((from, index): readonly Turn[] => {
      const to = times[index + 1];
      return index % 2 === 1 || to === undefined ? [] : [[from, to]];
    });
  });
  return turns.toSorted(([a], [b]) => a - b);
}

export function assertOneAtATime(turns: readonly Turn[]): void {
  for (const [index, [from]] of turns.entries())
    assert.ok(from >= (turns[index - 1]?.[1] ?? 0), `two at once: ${JSON.stringify(turns)}`);
}

/** The members were led all the time, by one and after its hand-over by another: an election by time-out is a third term. */
export async function assertLed(since: number, hosts: readonly number[]): Promise<void> {
  const log = `journalctl -u etcd -o cat --no-pager --since @${Math.floor(since / 1000)} | sed -n 's/.*became leader at term \\([0-9]*\\).*/\\1/p'`;
  const terms = (await Promise.all(hosts.map((n) => onHost(n, log)))).flatMap((text) => text.split("\n"));
  assert.equal(terms.filter(Boolean).length, 1, `terms that began: ${terms.join(" ")}`);
}
