/** Why the cluster takes no more writes, from what its members say, and what is left to do about it. */

import { keepsAllHistory } from "../../config/settings.ts";
import { bytes } from "../../lib/bytes.ts";
import { table } from "../../lib/table.ts";
import type { ClusterStatus, MemberStatus } from "../status/facts.ts";

/** What `etcd-host history` says. */
export interface History {
  readonly records: number;
  /** Records that no key shows any more. */
  readonly superseded: number;
}

/** What of the stack's settings bears on it. */
export interface Settings {
  /** Before 3.6 no member says its own. */
  readonly quotaBackendBytes: number;
  readonly autoCompactionRetention: string;
}

/** As `etcd-host disarm` wants it of each member. */
const FULL = 0.9;
/** From here on what is not keys is the cause. */
const MUCH = 0.3;

export function historyIn(stdout: string): History | undefined {
  const [, records, superseded] = /^history (\d+) (\d+) \d+$/m.exec(stdout) ?? [];
  return records === undefined ? undefined : { records: Number(records), superseded: Number(superseded) };
}

export function alarmsOf({ members }: ClusterStatus): readonly string[] {
  const raised = members.flatMap(({ alarms }) =>
    alarms.map((line) => /alarm: *(\w+)/.exec(line)?.[1] ?? line),
  );
  return [...new Set(raised)];
}

export function explanation(status: ClusterStatus, history: History, settings: Settings): string {
  const heading = ["member", "db", "in use", "quota", "db of quota"];
  const rows = status.members.map((member) => [
    member.name,
    bytes(member.dbBytes),
    bytes(inUse(member)),
    bytes(quotaOf(member, settings)),
    percent(member.dbBytes / quotaOf(member, settings)),
  ]);
  const counted = `History: ${percent(shareOf(history))} of ${history.records} records are of keys that have changed or are deleted.`;
  return [table(heading, rows), counted, `Cause: ${cause(status, history, settings)}.`].join("\n\n");
}

function cause({ members }: ClusterStatus, history: History, settings: Settings): string {
  const { autoCompactionRetention: retention } = settings;
  if (shareOf(history) >= MUCH)
    return keepsAllHistory(retention)
      ? `auto-compaction is off (autoCompactionRetention: "${retention}"), and nothing else compacts: set it to "1h", so that it does not happen again`
      : `more was written than the quota holds before auto-compaction took it (autoCompactionRetention: "${retention}"): find the client that writes so much, or lower the retention`;
  if (members.some(({ fragmentation }) => fragmentation >= MUCH))
    return "deleted keys left free space in the files, which only a defragmentation gives back";
  return "the live keys have grown: find who writes them, delete what nobody needs, or raise quotaBackendBytes";
}

/** What no compaction and no defragmentation gives back; nothing if every member has room. */
export function stillFull(
  { members }: ClusterStatus,
  history: History,
  settings: Settings,
  kept: number,
): string | undefined {
  const used = Math.max(...members.map((member) => member.dbBytes / quotaOf(member, settings)));
  if (used < FULL) return undefined;
  const [what, less] =
    shareOf(history) >= MUCH
      ? [`keys and the last ${kept} revisions`, "keep less history (-- --keep 10), "]
      : ["keys alone", ""];
  return `${what} fill ${percent(used)} of the quota: ${less}delete keys and run this again, or raise quotaBackendBytes with etcd:allow: [nospace-alarm]: that pulumi up disarms. The alarm NOSPACE stays until then`;
}

function shareOf({ records, superseded }: History): number {
  return records === 0 ? 0 : superseded / records;
}
function quotaOf({ quotaBytes }: MemberStatus, { quotaBackendBytes }: Settings): number {
  return quotaBytes || quotaBackendBytes;
}
function inUse({ dbBytes, fragmentation }: MemberStatus): number {
  return Math.round(dbBytes * (1 - fragmentation));
}
function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
