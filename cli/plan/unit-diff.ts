/** How two versions of a step's text differ. */

import { diffLines } from "diff";

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

/** A line diff of a unit in one short phrase for each setting: "`--snapshot-count=10000` → `20000`". */
export function unitChanges(diff: readonly string[]): readonly string[] {
  const removed = settings(diff, "-");
  const added = settings(diff, "+");
  const changed = [...removed].map(([name, old]) => {
    const now = added.get(name);
    if (now === undefined) return `\`${setting(name, old)}\` removed`;
    const release = /^\/opt\/etcd\/([^/]+)\/etcd$/;
    const [from, to] = [release.exec(old)?.[1], release.exec(now)?.[1]];
    return from && to ? `etcd ${from} → ${to}` : `\`${setting(name, old)}\` → \`${now}\``;
  });
  const fresh = [...added].filter(([name]) => !removed.has(name));
  return [...changed, ...fresh.map(([name, value]) => `\`${setting(name, value)}\` added`)];
}

function settings(diff: readonly string[], sign: string): ReadonlyMap<string, string> {
  const lines = diff.filter((line) => line.startsWith(sign)).map((line) => line.slice(1));
  return new Map(
    lines
      .map((line) => line.replace(/ \\$/, "").trim())
      .filter((line) => line !== "")
      .map((line): [string, string] => {
        const end = line.indexOf("=");
        return end < 0 ? [line, ""] : [line.slice(0, end), line.slice(end + 1)];
      }),
  );
}

function setting(name: string, value: string): string {
  return value === "" ? name : `${name}=${value}`;
}
