/** How two versions of a step's text differ. */

import { diffLines } from "diff";
import { ADDED_LINES, REVOKED, SETTING_LINES } from "../../host/unit.ts";

/** The lines that differ, as a reviewer reads them: `-old`, `+new`. */
export function lineDiff(before: string, after: string): readonly string[] {
  return diffLines(before, after).flatMap(({ added, removed, value }) => {
    if (!added && !removed) return [];
    return value
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => `${added ? "+" : "-"}${line}`);
  });
}

/**
 * A line diff of a unit in one short phrase for each setting: "`--snapshot-count=10000` → `20000`". Lines that come from
 * no setting are the program's own, and differ because it does.
 */
export function unitChanges(diff: readonly string[]): readonly string[] {
  const removed = entries(diff, "-");
  const added = entries(diff, "+");
  const changed = [...removed.keys(), ...[...added.keys()].filter((key) => !removed.has(key))];
  const phrases = [
    ...revocations(diff).map(({ name, old, now }) =>
      now > old ? `revokes ${name} (${certificates(now - old)})` : `no longer refuses ${name}`,
    ),
    ...changed.map((key) => phrase(removed.get(key), added.get(key))),
  ];
  return [...new Set(phrases.toSorted((a, b) => Number(a === OWN) - Number(b === OWN)))];
}

export interface Revocation {
  readonly name: string;
  /** Certificates that are refused, before and afterwards. */
  readonly old: number;
  readonly now: number;
}

/** The names of which more or fewer certificates are refused. */
export function revocations(diff: readonly string[]): readonly Revocation[] {
  const counts = new Map<string, Revocation>();
  for (const line of diff) {
    const [sign, comment] = [line.slice(0, 1), line.slice(1).trim()];
    const [, name, count] = /^(\S+) \((\d+)\)$/.exec(comment.slice(REVOKED.length)) ?? [];
    if (!comment.startsWith(REVOKED) || name === undefined) continue;
    const before = counts.get(name) ?? { name, old: 0, now: 0 };
    counts.set(name, { ...before, [sign === "-" ? "old" : "now"]: Number(count) });
  }
  return [...counts.values()];
}

export function certificates(count: number): string {
  return count === 1 ? "1 certificate" : `${count} certificates`;
}

const OWN = "a new version of the program";

interface Entry {
  readonly name: string;
  readonly value: string;
}

function phrase(old: Entry | undefined, now: Entry | undefined): string {
  const { name } = old ?? now ?? { name: "" };
  const isSetting = name.startsWith("--") || SETTING_LINES.includes(name);
  if (!isSetting || (old === undefined && ADDED_LINES.includes(said(now)))) return OWN;
  if (old === undefined) return `${code(said(now))} added`;
  if (now === undefined) return `${code(said(old))} removed`;
  const release = /^\/opt\/etcd\/([^/]+)\/etcd$/;
  const [from, to] = [release.exec(old.value)?.[1], release.exec(now.value)?.[1]];
  return from && to ? `etcd ${from} → ${to}` : `${code(said(old))} → ${code(now.value)}`;
}

/** Settings stand in backticks, so one inside is written as systemd would: it ends nothing. */
function code(setting: string): string {
  return `\`${setting.replaceAll("`", "\\x60")}\``;
}

/** There may be several of these lines, and each is a setting of its own. */
const REPEATED = /^(ReadWritePaths=.*|Environment=[^=]*)/;

function entries(diff: readonly string[], sign: string): ReadonlyMap<string, Entry> {
  const lines = diff
    .filter((line) => line.startsWith(sign))
    .map((line) => line.slice(1).replace(/ \\$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith(REVOKED));
  return new Map(
    lines.map((line): [string, Entry] => {
      const end = line.indexOf("=");
      const entry =
        end < 0 ? { name: line, value: "" } : { name: line.slice(0, end), value: line.slice(end + 1) };
      return [REPEATED.exec(line)?.[0] ?? entry.name, entry];
    }),
  );
}

function said(entry: Entry | undefined): string {
  const { name, value } = entry ?? { name: "", value: "" };
  return value === "" ? name : `${name}=${value}`;
}
