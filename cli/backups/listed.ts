/** The snapshots that hosts and the store have, from what `etcd-host snapshots` says of them. */

import { table } from "../../lib/table.ts";

export interface Snapshot {
  /** As a restore is given it: its key in the store, or the name of the file where it is on hosts only. */
  readonly snapshot: string;
  /** RFC 3339. */
  readonly taken: string;
  readonly revision: number;
  readonly minor: string;
  readonly node: string;
  readonly bytes: number;
  /** Of the file as it is stored. */
  readonly sha256: string;
  readonly encrypted: boolean;
  /** Whether the cluster had agreed on all of it. */
  readonly quorum: boolean;
  /** "store", and the hosts that have it. */
  readonly where: readonly string[];
}

const NAME =
  /^(?:[A-Za-z0-9._-]+\/(?:hourly|daily)\/)?(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-r(\d+)-(\d+\.\d+)-([A-Za-z0-9-]+?)(-noquorum)?\.db\.gz(\.age)?$/;

/** `said` has a host's name with what it answered. What is not a snapshot is left out: a host may answer anything. */
export function listedSnapshots(
  said: readonly (readonly [host: string, answer: string])[],
): readonly Snapshot[] {
  const found = new Map<string, Snapshot>();
  for (const [host, answer] of said)
    for (const line of answer.split("\n")) {
      const one = snapshotIn(host, line);
      if (one === undefined) continue;
      // one file, whoever has it: told apart where somebody's was changed
      const same = `${one.snapshot.split("/").at(-1)} ${one.sha256}`;
      const other = found.get(same);
      const snapshot = [one.snapshot, other?.snapshot ?? ""].sort((a, b) => b.length - a.length)[0] ?? "";
      found.set(same, { ...one, snapshot, where: [...(other?.where ?? []), ...one.where].sort(storeFirst) });
    }
  return [...found.values()].sort((a, b) => (a.taken < b.taken ? 1 : -1));
}

function storeFirst(a: string, b: string): number {
  return Number(b === "store") - Number(a === "store") || (a < b ? -1 : 1);
}

function snapshotIn(host: string, line: string): Snapshot | undefined {
  const [, where = "", name = "", bytes, sha256 = ""] =
    /^(here|store) (\S+) (\d+) ([0-9a-f]{64})$/.exec(line) ?? [];
  const parts = NAME.exec(name);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, revision, minor = "", node = "", noQuorum, age] = parts;
  return {
    snapshot: name,
    taken: `${year}-${month}-${day}T${hour}:${minute}:${second}Z`,
    revision: Number(revision),
    minor,
    node,
    bytes: Number(bytes),
    sha256,
    encrypted: age !== undefined,
    quorum: noQuorum === undefined,
    where: [where === "store" ? "store" : host],
  };
}

/** By which a host's clock may be ahead. */
const SKEW = 60_000;

/** For a person: the newest first, and what to put into the stack file. `now` in milliseconds since 1970. */
export function shownSnapshots(snapshots: readonly Snapshot[], now: number): string {
  if (snapshots.length === 0) return "No snapshot is kept, neither on a host nor in a store.\n";
  const rows = snapshots.map((one) => [
    one.taken,
    `r${one.revision}`,
    one.minor,
    one.node + (one.quorum ? "" : ", without a quorum"),
    `${(one.bytes / 1024 ** 2).toFixed(1)} MiB`,
    one.encrypted ? "age" : "no",
    one.where.join(", "),
  ]);
  const heading = ["taken", "revision", "minor", "of", "size", "encrypted", "where"];
  const newest = snapshots.find(({ taken }) => Date.parse(taken) <= now + SKEW);
  if (newest === undefined)
    return `${table(heading, rows)}\n\nEach has a time that is still to come, so nobody can say which one is the newest.\n`;
  return `${table(heading, rows)}

To restore the newest one, put this into the stack file (docs/restore.md):
  etcd:restore:
    snapshot: ${newest.snapshot}
    sha256: ${newest.sha256}
    id: 1
`;
}
