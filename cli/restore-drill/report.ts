/** What a drill found, as `etcd-host drill --json` says it. */

import { bytes } from "../../lib/bytes.ts";
import { type Json, record, text } from "../../lib/json.ts";
import { printableLine } from "../../lib/printable.ts";

export interface Report {
  readonly schema: 1;
  readonly host: string;
  readonly snapshot: string;
  /** RFC 3339; empty if its name does not say it. */
  readonly taken: string;
  readonly revision: number | null;
  /** What would be lost: seconds, and revisions that the cluster is ahead. */
  readonly rpo: { readonly seconds: number | null; readonly revisions: number | null };
  /** Seconds of each part that was done. */
  readonly rto: Readonly<Record<Part, number | null>>;
  readonly keys: number | null;
  readonly bytes: number | null;
  readonly ok: boolean;
  /** What does not hold; empty if all does. */
  readonly why: string;
}
const PARTS = ["fetch", "unpack", "restore", "start"] as const;
type Part = (typeof PARTS)[number];

/** Nothing if the host has said something else. */
export function reportIn(host: string, stdout: string): Report | undefined {
  const said = record(parsed(stdout));
  const result = text(said.result);
  if (result === "" || text(said.snapshot) === "") return undefined;
  const [fetch, unpack, restore, start] = PARTS.map((part) => count(said, part));
  return {
    schema: 1,
    host,
    snapshot: text(said.snapshot),
    taken: text(said.taken),
    revision: count(said, "revision"),
    rpo: { seconds: count(said, "age"), revisions: count(said, "ahead") },
    rto: { fetch: fetch ?? null, unpack: unpack ?? null, restore: restore ?? null, start: start ?? null },
    keys: count(said, "keys"),
    bytes: count(said, "bytes"),
    ok: result === "ok",
    why: result === "ok" ? "" : result,
  };
}
function parsed(stdout: string): unknown {
  try {
    return JSON.parse(stdout, (_, value) => (typeof value === "string" ? printableLine(value) : value));
  } catch {
    return undefined;
  }
}
function count(said: Json, key: string): number | null {
  const value = said[key];
  return typeof value === "number" ? value : null;
}

export function shownReport({ host, snapshot, taken, revision, rpo, rto, ...data }: Report): string {
  const parts = PARTS.flatMap((part) => (rto[part] === null ? [] : [{ part, seconds: rto[part] }]));
  const total = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  const each = parts.map(({ part, seconds }) => `${part} ${seconds.toFixed(1)} s`).join(", ");
  const lines = [
    `snapshot  ${snapshot}${revision === null ? "" : `, r${revision}`}`,
    ...(taken === "" ? [] : [`taken     ${taken}`]),
    ...(rpo.seconds === null ? [] : [`RPO       ${span(rpo.seconds)}${revisions(rpo.revisions)}`]),
    ...(parts.length === 0 ? [] : [`RTO       ${total.toFixed(1)} s on ${host}: ${each}`]),
    ...(data.keys === null ? [] : [`data      ${data.keys} keys, ${bytes(data.bytes ?? 0)}`]),
  ];
  return `${lines.join("\n")}\n\n${data.ok ? "It holds: restored, started, read and written." : `It does not hold: ${data.why}.`}\n`;
}
function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}
function revisions(ahead: number | null): string {
  return ahead === null
    ? "; the cluster did not say how far it is ahead"
    : `, ${ahead} revisions would be lost`;
}
