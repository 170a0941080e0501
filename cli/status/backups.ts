/** What hosts say of their backups, combined: the last one of the cluster, and what is wrong with them. */

import { printableLine } from "../../lib/printable.ts";
import { ago } from "../../lib/time.ts";

export interface LastBackup {
  /** RFC 3339. */
  readonly at: string;
  readonly revision: number;
  readonly bytes: number;
  readonly where: "store" | "here";
  /** Who took it. */
  readonly by: string;
}

/** Of one host: nothing where no backup is on a schedule. */
export interface HostBackups {
  /** Seconds. */
  readonly every: number;
  readonly maxAge: number;
  /** RFC 3339: when it was switched on. */
  readonly since: string;
  readonly last: LastBackup | null;
  /** Of the last run there; none if that was good. */
  readonly failed: { readonly at: string; readonly why: string } | null;
}

export interface ClusterBackups {
  readonly last: LastBackup | null;
  /** None is older than it may be: of the store, or where there is none, of each host. */
  readonly fresh: boolean;
  /** What is wrong, a sentence each. */
  readonly problems: readonly string[];
}

/** `rest` gives what follows a word, line by line. */
export function hostBackups(rest: (word: string) => readonly string[]): HostBackups | null {
  const [every, maxAge, since = ""] = (rest("backup-every")[0] ?? "").split(" ");
  if (!isCount(every) || !isCount(maxAge)) return null;
  const [at = "", revision, bytes, where, by = ""] = (rest("backup")[0] ?? "").split(" ");
  const known = isTime(at) && isCount(revision) && isCount(bytes);
  const [failedAt = "", ...why] = (rest("backup-error")[0] ?? "").split(" ");
  return {
    every: Number(every),
    maxAge: Number(maxAge),
    since,
    last: known
      ? {
          at,
          revision: Number(revision),
          bytes: Number(bytes),
          where: where === "store" ? "store" : "here",
          by: printableLine(by),
        }
      : null,
    failed: isTime(failedAt) ? { at: failedAt, why: printableLine(why.join(" ")) } : null,
  };
}

function isCount(word: string | undefined): boolean {
  return /^\d+$/.test(word ?? "");
}

function isTime(word: string): boolean {
  return !Number.isNaN(Date.parse(word));
}

/** By which a host's clock may be ahead. */
const SKEW_SECONDS = 60;

/** Nothing where no host has one on a schedule. `now` in milliseconds since 1970. */
export function clusterBackups(
  hosts: readonly (readonly [name: string, backups: HostBackups | null])[],
  now: number,
): ClusterBackups | null {
  const known = hosts.flatMap(([name, backups]) => (backups === null ? [] : [{ name, ...backups }]));
  if (known.length === 0) return null;
  const taken = known.flatMap(({ last }) => (last === null ? [] : [last]));
  const last = newestOf(taken);
  const lastStored = newestOf(taken.filter(({ where }) => where === "store"));
  const ages = known.map(({ name, maxAge, since, last: own }) => {
    const of = lastStored ?? own;
    return { name, maxAge, of, seconds: (now - Date.parse(of?.at ?? since)) / 1000 };
  });
  const old = ages.filter(({ seconds, maxAge }) => seconds > maxAge || seconds < -SKEW_SECONDS);
  const late = lastStored === null ? old : old.slice(0, 1);
  return {
    last,
    fresh: late.length === 0,
    problems: [
      ...late.map(({ name, of, maxAge, seconds }) => {
        const whose = lastStored === null ? name : "the store";
        if (of !== null && seconds < 0)
          return `the last backup of ${whose} has a time that is still to come, ${of.at}: a clock was wrong, or it is forged`;
        const age = of === null ? "none yet" : ago(of.at, now);
        return `the last backup of ${whose} is too old: ${age}, and ${span(maxAge)} are allowed`;
      }),
      ...known.flatMap(({ name, failed }) =>
        failed === null ? [] : [`the backup on ${name} failed ${ago(failed.at, now)}: ${failed.why}`],
      ),
    ],
  };
}

function newestOf(taken: readonly LastBackup[]): LastBackup | null {
  return taken.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0] ?? null;
}

function span(seconds: number): string {
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${Math.round(seconds / 60)} min`;
}

export function backupLine({ last }: ClusterBackups, now: number): string {
  if (last === null) return "last backup: none yet";
  const where = last.where === "store" ? "store" : `on ${last.by}`;
  return `last backup ${ago(last.at, now)}, r${last.revision}, ${where}`;
}
