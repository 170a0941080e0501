/** For every alert, series that make it fire and series just on the other side of its condition. */

import type { Severity } from "../../monitoring/alerts.ts";
import { cluster } from "./cluster.ts";

/** A series in promtool's notation. */
export interface Series {
  readonly series: string;
  readonly values: string;
}

export interface Case {
  readonly alert: string;
  readonly severity: Severity;
  readonly firing: readonly Series[];
  readonly quiet: readonly Series[];
  /** Minutes of data that the condition needs, where that is more than the longest of the other windows. */
  readonly history?: number;
}

/** Minutes that all series last. */
const MINUTES = 90;

type Labels = Readonly<Record<string, string>>;

/** A value that starts at `from` and grows by `perMinute`. */
function series(metric: string, labels: Labels, from: number, perMinute = 0): Series {
  const all = { cluster: cluster.name, member: "node1", ...labels };
  const inside = Object.entries(all).map(([label, value]) => `${label}="${value}"`);
  return { series: `${metric}{${inside.join(",")}}`, values: `${from}+${perMinute}x${MINUTES}` };
}

const value = (metric: string, constant: number, labels: Labels = {}) => series(metric, labels, constant);
const growing = (metric: string, perMinute: number, labels: Labels = {}) =>
  series(metric, labels, 0, perMinute);

/** Observations that all lie between half of `seconds` and `seconds`, so that their p99 is a little below it. */
function around(histogram: string, seconds: number, labels: Labels = {}): readonly Series[] {
  const bucket = (le: string, perMinute: number) =>
    growing(`${histogram}_bucket`, perMinute, { ...labels, le });
  return [bucket(String(seconds / 2), 0), bucket(String(seconds), 600), bucket("+Inf", 600)];
}

/** How many of the three members answer. */
function up(answering: number): readonly Series[] {
  const job = `etcd/${cluster.name}`;
  return cluster.members.map(({ name }, index) =>
    value("up", index < answering ? 1 : 0, { job, member: name }),
  );
}

/** Of 1000 requests a minute, so many fail. */
function failures(perMinute: number, code = "Unavailable"): readonly Series[] {
  const labels = { grpc_type: "unary", grpc_method: "Put" };
  const handled = (grpc_code: string, count: number) =>
    growing("grpc_server_handled_total", count, { ...labels, grpc_code });
  return [handled("OK", 1000 - perMinute), handled(code, perMinute)];
}

/** Snapshots that members have sent, so many a minute. */
function snapshots(perMinute: number): readonly Series[] {
  const labels = { grpc_type: "server_stream", grpc_method: "Snapshot", grpc_code: "OK" };
  return [growing("grpc_server_handled_total", perMinute, labels)];
}

/** The last backup, at a time in seconds, and how old it may be. */
function backup(at: number, maxAge: number): readonly Series[] {
  return [
    value("etcd_host_backup_last_timestamp_seconds", at),
    value("etcd_host_backup_max_age_seconds", maxAge),
  ];
}

function knownPeers(count: number): readonly Series[] {
  return Array.from({ length: count }, (_, index) =>
    value("etcd_network_known_peers", 1, { Local: "a", Remote: String(index) }),
  );
}

function versions(...list: readonly string[]): readonly Series[] {
  return list.map((server_version, index) =>
    value("etcd_server_version", 1, { member: `node${index + 1}`, server_version }),
  );
}

function database(size: number, inUse = size, perMinute = 0): readonly Series[] {
  return [
    series("etcd_mvcc_db_total_size_in_bytes", {}, size, perMinute),
    value("etcd_mvcc_db_total_size_in_use_in_bytes", inUse),
    value("etcd_server_quota_backend_bytes", 1000 * MIB),
  ];
}

const MIB = 1024 ** 2;
const FSYNC = "etcd_disk_wal_fsync_duration_seconds";
const COMMIT = "etcd_disk_backend_commit_duration_seconds";
const APPLY = "etcd_server_apply_duration_seconds";
const ROUND_TRIP = "etcd_network_peer_round_trip_time_seconds";

export const cases: readonly Case[] = [
  { alert: "etcdMembersDown", severity: "warning", firing: up(2), quiet: up(3) },
  { alert: "etcdInsufficientMembers", severity: "critical", firing: up(1), quiet: up(2) },
  {
    alert: "etcdNoLeader",
    severity: "critical",
    firing: [value("etcd_server_has_leader", 0)],
    quiet: [value("etcd_server_has_leader", 1)],
  },
  {
    alert: "etcdHighNumberOfLeaderChanges",
    severity: "warning",
    firing: [growing("etcd_server_leader_changes_seen_total", 5 / 15)],
    quiet: [growing("etcd_server_leader_changes_seen_total", 3 / 15)],
  },
  { alert: "etcdUnexpectedMembers", severity: "warning", firing: knownPeers(4), quiet: knownPeers(3) },
  {
    alert: "etcdLearnerNotPromoted",
    severity: "warning",
    firing: [value("etcd_server_is_learner", 1)],
    quiet: [value("etcd_server_is_learner", 0)],
  },
  {
    alert: "etcdVersionsDiffer",
    severity: "warning",
    firing: versions("3.6.14", "3.5.35", "3.6.14"),
    quiet: versions("3.6.14", "3.6.14", "3.6.14"),
  },
  {
    alert: "etcdHighNumberOfFailedGRPCRequests",
    severity: "warning",
    firing: failures(11),
    quiet: [...failures(9), ...failures(500, "NotFound").slice(1)], // the last is the caller's own fault
  },
  {
    alert: "etcdHighNumberOfFailedGRPCRequests",
    severity: "critical",
    firing: failures(51),
    quiet: failures(49),
  },
  { alert: "etcdSlowApplies", severity: "warning", firing: around(APPLY, 0.16), quiet: around(APPLY, 0.15) },
  {
    alert: "etcdMemberCommunicationSlow",
    severity: "warning",
    firing: around(ROUND_TRIP, 0.16, { To: "b" }),
    quiet: around(ROUND_TRIP, 0.15, { To: "b" }),
  },
  {
    alert: "etcdHighNumberOfFailedProposals",
    severity: "warning",
    firing: [growing("etcd_server_proposals_failed_total", 6 / 15)],
    quiet: [growing("etcd_server_proposals_failed_total", 4 / 15)],
  },
  {
    alert: "etcdHighFsyncDurations",
    severity: "info",
    firing: around(FSYNC, 0.011),
    quiet: around(FSYNC, 0.01),
  },
  {
    alert: "etcdHighFsyncDurations",
    severity: "warning",
    firing: around(FSYNC, 0.52),
    quiet: around(FSYNC, 0.5),
  },
  {
    alert: "etcdHighFsyncDurations",
    severity: "critical",
    firing: around(FSYNC, 1.1),
    quiet: around(FSYNC, 1),
  },
  {
    alert: "etcdHighCommitDurations",
    severity: "info",
    firing: around(COMMIT, 0.026),
    quiet: around(COMMIT, 0.025),
  },
  {
    alert: "etcdHighCommitDurations",
    severity: "warning",
    firing: around(COMMIT, 0.26),
    quiet: around(COMMIT, 0.25),
  },
  {
    alert: "etcdAlarmRaised",
    severity: "critical",
    firing: [value("etcd_debugging_server_alarms", 1, { server_id: "a", alarm_type: "NOSPACE" })],
    quiet: [value("etcd_debugging_server_alarms", 0, { server_id: "a", alarm_type: "NOSPACE" })],
  },
  {
    alert: "etcdDatabaseQuotaLowSpace",
    severity: "critical",
    firing: database(960 * MIB),
    quiet: database(940 * MIB),
  },
  {
    alert: "etcdExcessiveDatabaseGrowth",
    severity: "warning",
    firing: database(100 * MIB, 100 * MIB, 4 * MIB),
    quiet: database(100 * MIB, 100 * MIB, 2 * MIB),
    history: 60, // a member that is filled for the first time is not judged
  },
  {
    alert: "etcdDatabaseHighFragmentationRatio",
    severity: "warning",
    firing: database(500 * MIB, 240 * MIB),
    quiet: database(500 * MIB, 260 * MIB),
  },
  {
    alert: "etcdFileDescriptorsLow",
    severity: "warning",
    firing: [value("process_open_fds", 81), value("process_max_fds", 100)],
    quiet: [value("process_open_fds", 79), value("process_max_fds", 100)],
  },
  {
    alert: "etcdSnapshotMissing",
    severity: "warning",
    firing: snapshots(0),
    quiet: snapshots(0.1),
    history: 60, // a cluster that has just been found is not judged
  },
  {
    alert: "etcdBackupStale",
    severity: "critical",
    firing: backup(-601, 600),
    quiet: backup(0, 6000),
  },
  {
    alert: "etcdBackupFailing",
    severity: "critical",
    firing: [value("etcd_host_backup_failed", 1)],
    quiet: [value("etcd_host_backup_failed", 0)],
  },
];
