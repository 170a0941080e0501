/** What `etcd-host facts` says on each host, combined. */

import { certificateIn, clientOf } from "../../cluster/resource-names.ts";
import { list, record, text } from "../../lib/json.ts";
import { printableLine } from "../../lib/printable.ts";
import type { Answer } from "../shared/ask-hosts.ts";
import { type ClusterBackups, clusterBackups, type HostBackups, hostBackups } from "./backups.ts";
import { type ClusterDrill, clusterDrill, hostDrill, type LastDrill } from "./drills.ts";

export interface MemberStatus {
  readonly name: string;
  readonly address: string;
  /** What systemd says of the service; empty if the host could not be asked. */
  readonly service: string;
  readonly role: "leader" | "follower" | "learner" | "does not answer";
  readonly version: string;
  readonly dbBytes: number;
  /** Where the cluster stops accepting writes; 0 if the member does not say (before 3.6). */
  readonly quotaBytes: number;
  /** Share of the database file that holds no data, 0 to 1: what a defragmentation would give back. */
  readonly fragmentation: number;
  /** Log entries behind the most advanced member. */
  readonly raftLag: number;
  readonly alarms: readonly string[];
  /** RFC 3339 end of the certificate that expires first. */
  readonly certificateEnds: string;
  readonly lastVerify: { readonly at: string; readonly differences: number } | null;
  /** What has ended there, so that no new connection is accepted. */
  readonly ended: string;
  /** Why the host could not be asked. */
  readonly error: string;
}

export interface ClusterStatus {
  readonly schema: 1;
  /** Every member answers, also to a new connection, one of them leads, and no alarm is raised. */
  readonly healthy: boolean;
  readonly members: readonly MemberStatus[];
  /** RFC 3339 ends of the certificates of etcd:clients, by name, as the last up recorded them. */
  readonly clients: Readonly<Record<string, string>>;
  /** Nothing where no backup is on a schedule. */
  readonly backups: ClusterBackups | null;
  /** Nothing where no host has drilled. */
  readonly drill: ClusterDrill | null;
}

/** `ends` is the output `certificatesExpire`, `now` in milliseconds since 1970. */
export function clusterStatus(
  answers: readonly Answer[],
  ends: unknown = {},
  now: number = Date.now(),
): ClusterStatus {
  const hosts = answers.map((answer) => ({ answer, facts: factsOf(answer.stdout) }));
  const front = Math.max(0, ...hosts.map(({ facts }) => Number(facts.status.raftIndex ?? 0)));
  const members = hosts.map(({ answer, facts }) => memberStatus(answer, facts, front));
  const leads = members.some(({ role }) => role === "leader");
  const fit = members.every(
    ({ role, alarms, ended }) => role !== "does not answer" && alarms.length === 0 && ended === "",
  );
  const backups = clusterBackups(
    hosts.map(({ answer, facts }) => [answer.node.name, facts.backups] as const),
    now,
  );
  const drill = clusterDrill(hosts.map(({ answer, facts }) => [answer.node.name, facts.drill] as const));
  return { schema: 1, healthy: leads && fit, members, clients: clientEnds(ends), backups, drill };
}

function clientEnds(ends: unknown): ClusterStatus["clients"] {
  const named = Object.entries(record(ends)).flatMap(([certificate, end]) => {
    const client = clientOf(certificateIn(certificate));
    return client === undefined ? [] : [[client, text(end)] as const];
  });
  return Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

interface Facts {
  readonly service: string;
  readonly status: Readonly<Record<string, unknown>>;
  readonly certificates: readonly string[];
  readonly verify: readonly string[];
  readonly ended: string;
  readonly backups: HostBackups | null;
  readonly drill: LastDrill | null;
}

function factsOf(stdout: string): Facts {
  const lines = stdout.split("\n");
  const rest = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const [status] = list(parseJson(rest("status")[0] ?? "[]"));
  return {
    service: rest("service")[0] ?? "",
    status: record(record(status).Status),
    certificates: rest("certificate").map((line) => line.split(" ")[1] ?? ""),
    verify: (rest("verify")[0] ?? "").split(" "),
    ended: rest("ended")[0] ?? "",
    backups: hostBackups(rest),
    drill: hostDrill(rest),
  };
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source, (_, value) => (typeof value === "string" ? printableLine(value) : value));
  } catch {
    return [];
  }
}

function memberStatus({ node, code, stderr }: Answer, facts: Facts, front: number): MemberStatus {
  const { status } = facts;
  const size = Number(status.dbSize ?? 0);
  const [at = "", differences = ""] = facts.verify;
  return {
    name: node.name,
    address: node.address,
    service: facts.service,
    role: roleOf(status),
    version: text(status.version),
    dbBytes: size,
    quotaBytes: Number(status.dbSizeQuota ?? 0),
    fragmentation: size === 0 ? 0 : 1 - Number(status.dbSizeInUse ?? size) / size,
    raftLag: status.raftIndex === undefined ? 0 : front - Number(status.raftIndex),
    alarms: list(status.errors).map(text),
    certificateEnds: [...facts.certificates].sort()[0] ?? "",
    lastVerify: at === "" ? null : { at, differences: Number(differences) },
    ended: facts.ended,
    error: code === 0 ? "" : (stderr.trim().split("\n").at(-1) ?? ""),
  };
}

function roleOf(status: Facts["status"]): MemberStatus["role"] {
  const id = record(status.header).member_id;
  if (id === undefined) return "does not answer";
  if (status.isLearner === true) return "learner";
  return status.leader === id ? "leader" : "follower";
}
