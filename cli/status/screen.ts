/** The cluster on one screen. */

import { bytes } from "../../lib/bytes.ts";
import { table } from "../../lib/table.ts";
import { DAY_MS } from "../../lib/time.ts";
import { backupLine } from "./backups.ts";
import { drillLine } from "./drills.ts";
import type { ClusterStatus, MemberStatus } from "./facts.ts";

const HOUR_MS = 60 * 60 * 1000;

/** `now` in milliseconds since 1970. */
export function screen(status: ClusterStatus, now: number): string {
  const heading = ["member", "service", "role", "version", "db", "free", "lag", "certificate", "last verify"];
  const rows = status.members.map((member) => [
    `${member.name} ${member.address}`,
    member.service || "unknown",
    member.role,
    member.version || "-",
    member.dbBytes === 0 ? "-" : database(member),
    member.dbBytes === 0 ? "-" : `${Math.round(member.fragmentation * 100)} %`,
    member.version === "" ? "-" : String(member.raftLag),
    member.certificateEnds === "" ? "-" : timeLeft(member.certificateEnds, now),
    lastVerify(member, now),
  ]);
  return `${[table(heading, rows), ...clients(status, now), ...backups(status, now), ...remarks(status)].join("\n\n")}\n`;
}

function clients({ clients: ends }: ClusterStatus, now: number): readonly string[] {
  const rows = Object.entries(ends).map(([name, end]) => [name, timeLeft(end, now)]);
  return rows.length === 0 ? [] : [table(["client", "certificate"], rows)];
}

function backups({ backups: known, drill }: ClusterStatus, now: number): readonly string[] {
  const lines = [
    ...(known === null ? [] : [backupLine(known, now), ...known.problems]),
    ...(drill === null ? [] : [drillLine(drill, now)]),
  ];
  return lines.length === 0 ? [] : [lines.join("\n")];
}

function remarks({ healthy, members }: ClusterStatus): readonly string[] {
  const alarms = [...new Set(members.flatMap((member) => member.alarms))];
  return [
    ...members.flatMap(({ name, error, ended }) =>
      [error, ended].filter((sentence) => sentence !== "").map((sentence) => `${name}: ${sentence}`),
    ),
    ...(alarms.length === 0 && members.every(({ version }) => version === "")
      ? ["No member answers."]
      : alarms.length === 0
        ? ["No alarm is raised."]
        : alarms.map(
            (alarm) => `ALARM ${alarm.trim()}${alarm.includes("NOSPACE") ? ": npm run reclaim" : ""}`,
          )),
    ...(healthy ? [] : ["Not healthy: run etcd-host status on the hosts, or npm run verify here."]),
  ];
}

function database({ dbBytes, quotaBytes }: MemberStatus): string {
  return quotaBytes === 0 ? bytes(dbBytes) : `${bytes(dbBytes)} of ${bytes(quotaBytes)}`;
}

function timeLeft(end: string, now: number): string {
  const left = Date.parse(end) - now;
  return left <= 0 ? "ended" : `${Math.floor(left / DAY_MS)} days`;
}

function lastVerify({ lastVerify: last }: MemberStatus, now: number): string {
  if (last === null) return "never";
  const hours = Math.floor((now - Date.parse(last.at)) / HOUR_MS);
  const age = hours < 1 ? "just now" : hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
  return last.differences === 0 ? `${age}, as declared` : `${age}, ${last.differences} differ`;
}
