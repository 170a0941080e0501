/** The last drill of the cluster, from what hosts say of theirs. */

import { printableLine } from "../../lib/printable.ts";
import { ago } from "../../lib/time.ts";

export interface LastDrill {
  /** RFC 3339. */
  readonly at: string;
  readonly ok: boolean;
  readonly snapshot: string;
  /** What did not hold; empty if all did. */
  readonly why: string;
}
export interface ClusterDrill extends LastDrill {
  readonly on: string;
}

/** `rest` gives what follows a word, line by line. */
export function hostDrill(rest: (word: string) => readonly string[]): LastDrill | null {
  const [at = "", verdict = "", snapshot = "", ...why] = (rest("drill")[0] ?? "").split(" ");
  if (Number.isNaN(Date.parse(at)) || !["ok", "failed"].includes(verdict)) return null;
  return { at, ok: verdict === "ok", snapshot: printableLine(snapshot), why: printableLine(why.join(" ")) };
}

export function clusterDrill(
  hosts: readonly (readonly [name: string, drill: LastDrill | null])[],
): ClusterDrill | null {
  const known = hosts.flatMap(([on, drill]) => (drill === null ? [] : [{ ...drill, on }]));
  return known.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))[0] ?? null;
}

export function drillLine({ at, ok, why, on }: ClusterDrill, now: number): string {
  return `last drill ${ago(at, now)}${ok ? ", ok" : ` on ${on}: ${why}`}`;
}
