/** What both human-readable forms of a plan have in common. */

import { DAY_MS } from "../../lib/time.ts";
import type { Action, ClusterRow, HostRow, Plan, SecurityRow } from "./model.ts";
import { inWords, isPartial } from "./selection.ts";

const ACTIONS: Readonly<Record<Action, string>> = {
  nothing: "nothing",
  prepare: "prepare again",
  repeat: "run again",
  compare: "compare",
  renew: "renew certificates (hot)",
  reissue: "reissue certificates (hot)",
  restart: "restart",
  bootstrap: "start",
  join: "join",
  replace: "replace",
  rebuild: "replace the instance",
  remove: "remove",
  restore: "restore",
  inert: "inert",
};

const STEPS: Readonly<Record<ClusterRow["step"], string>> = {
  restore: "restore",
  version: "version",
  ca: "CA step",
  replace: "run again",
  before: "before the first",
  membership: "after the last",
  access: "access",
  health: "proof",
  backup: "backup",
};

export interface Row {
  readonly place: string;
  readonly host: string;
  readonly what: string;
  readonly why: string;
}

/** Hosts in rollout order, then the cluster's own steps. */
export function rowsOf(plan: Plan): readonly Row[] {
  const hosts = plan.hosts.map((host) => ({
    place: host.order === null ? "–" : String(host.order),
    host: `${host.name} ${host.address}`.trim(),
    what: ACTIONS[host.action],
    why: host.why.join("; "),
  }));
  const cluster = plan.cluster.map(({ step, text }) => ({
    place: "–",
    host: "cluster",
    what: STEPS[step],
    why: text,
  }));
  return [...hosts, ...cluster];
}

/** What is said where nothing of it changes: an empty section could as well be one that was forgotten. */
export const NO_SECURITY_ROWS = "Security: nothing changes.";

export function securityCells(rows: readonly SecurityRow[]): readonly (readonly string[])[] {
  return rows.map((row) => [whatOf(row), row.old, row.note === "" ? row.new : `${row.new} (${row.note})`]);
}

export function inOneLine(row: SecurityRow): string {
  return `${whatOf(row)}: ${row.old} → ${row.new}`;
}

function whatOf({ kind, what, hosts }: SecurityRow): string {
  return `${kind}: ${what}${hosts.length === 0 ? "" : ` of ${hosts.join(", ")}`}`;
}

export function titleOf({ project, stack, headline }: Plan): string {
  return `${project}/${stack}: ${headline}`;
}

/** The sentences below the table. `now` in milliseconds since 1970. */
export function closingOf(plan: Plan, now: number): readonly string[] {
  const { restarts, earliestExpiry, others, verdict } = plan;
  const changesMembers = plan.hosts.some(({ action }) =>
    ["restart", "join", "replace", "rebuild", "remove"].includes(action),
  );
  const days = earliestExpiry && Math.floor((Date.parse(earliestExpiry.expires) - now) / DAY_MS);
  return [
    ...(restarts > 0 || changesMembers
      ? ["Quorum is proven before each step that takes a member away."]
      : []),
    ...(earliestExpiry ? [`Certificates: earliest expiry ${earliestExpiry.certificate}, ${days} days.`] : []),
    ...(others.length > 0 ? [`Also: ${others.map(said).join(", ")}.`] : []),
    ...(verdict === "nothing" ? [] : ["Nothing else changes."]),
    ...(isPartial(plan.selection) ? [`A part of the stack only: ${inWords(plan.selection)}.`] : []),
  ];
}

const OPS: Readonly<Record<string, string>> = {
  create: "made",
  update: "changed",
  replace: "reissued",
  delete: "removed",
  protect: "protection changed",
};

/** `client: replace` → "client reissued". */
function said(other: string): string {
  const [name = "", op = ""] = other.split(": ");
  return `${name} ${OPS[op] ?? op}`;
}

/** Line diffs of units, with the hosts that share each one. */
export function unitDiffs(hosts: readonly HostRow[]): readonly { hosts: string; lines: readonly string[] }[] {
  const byText = new Map<string, { names: string[]; lines: readonly string[] }>();
  for (const { name, unit } of hosts) {
    if (unit.length === 0) continue;
    const entry = byText.get(unit.join("\n")) ?? { names: [], lines: unit };
    entry.names.push(name);
    byText.set(unit.join("\n"), entry);
  }
  return [...byText.values()].map(({ names, lines }) => ({ hosts: names.join(", "), lines }));
}
