/** The alert rules. Conditions and thresholds are those of etcd's own mixin and hardware guide. */

import type { MonitoredCluster } from "./cluster.ts";
import { jobName } from "./prometheus.ts";
import { failedRatio, p99, quotaUsed } from "./queries.ts";

export type Severity = "info" | "warning" | "critical";

export interface Alert {
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long the condition must hold. */
  readonly for: string;
  readonly summary: string;
  /** What it means, and what to do next. */
  readonly description: string;
}

const MEMBER = "{{ $labels.member }}";
const VALUE_PERCENT = "{{ $value | humanizePercentage }}";
const VALUE_TIME = "{{ $value | humanizeDuration }}";
const MIB = 1024 ** 2;
const DEFRAGMENT =
  "run `npm run defragment` (one member after the other, the leader last; each answers nobody for as long as it takes)";

export function alertsFor(cluster: MonitoredCluster): readonly Alert[] {
  const selector = `cluster="${cluster.name}"`;
  return [
    ...availability(cluster, selector),
    ...membership(cluster, selector),
    ...requests(selector),
    ...disk(selector),
    ...space(selector),
    ...backups(cluster, selector),
  ];
}

/** The rules as Prometheus reads them. */
export function rulesFile(cluster: MonitoredCluster) {
  return {
    groups: [
      {
        name: jobName(cluster),
        rules: alertsFor(cluster).map(({ name, severity, expr, for: duration, summary, description }) => ({
          alert: name,
          expr,
          for: duration,
          labels: { severity, cluster: cluster.name },
          annotations: { summary, description },
        })),
      },
    ],
  };
}

function availability(cluster: MonitoredCluster, selector: string): readonly Alert[] {
  const up = `up{job="${jobName(cluster)}",${selector}}`;
  const { length } = cluster.members;
  return [
    {
      name: "etcdMembersDown",
      severity: "warning",
      expr: `${up} == 0`,
      for: "3m",
      summary: `${MEMBER} does not answer.`,
      description: `Writes need ${cluster.quorum} of ${length} members. Run \`npm run status\`, then \`etcd-host status\` on ${MEMBER}; if it is healthy there, Prometheus cannot reach it or the certificate in its bundle has expired.`,
    },
    {
      name: "etcdInsufficientMembers",
      severity: "critical",
      expr: `sum by (cluster) (${up}) < ${cluster.quorum}`,
      for: "3m",
      summary: `Only {{ $value }} of ${length} members answer; writes need ${cluster.quorum}.`,
      description:
        "The cluster accepts no writes. Run `npm run status`, start the hosts that are down, and check each with `etcd-host status`. Do not remove or replace members before quorum is back.",
    },
    {
      name: "etcdNoLeader",
      severity: "critical",
      expr: `etcd_server_has_leader{${selector}} == 0`,
      for: "1m",
      summary: `${MEMBER} has no leader.`,
      description: `It accepts no writes. Run \`npm run status\`: if the others have a leader, check the network of ${MEMBER} with \`etcd-host status\` there; if none of them has one, quorum is lost.`,
    },
    {
      name: "etcdHighNumberOfLeaderChanges",
      severity: "warning",
      expr: `max by (cluster) (increase(etcd_server_leader_changes_seen_total{${selector}}[15m])) >= 4`,
      for: "5m",
      summary: "The leader changed {{ $value | humanize }} times in 15 minutes.",
      description:
        "Heartbeats arrive too late: a slow disk, a slow network or a busy CPU. Run `npm run status`, and compare fsync and round-trip times on the dashboard with `heartbeatInterval` and `electionTimeout`.",
    },
  ];
}

function membership(cluster: MonitoredCluster, selector: string): readonly Alert[] {
  const { length } = cluster.members;
  return [
    {
      name: "etcdUnexpectedMembers",
      severity: "warning",
      expr: `count by (cluster, member) (etcd_network_known_peers{${selector}} == 1) != ${length}`,
      for: "15m",
      summary: `${MEMBER} knows {{ $value }} members; these files were made for ${length}.`,
      description:
        "Run `npm run verify`: it names a member that was added or removed behind the stack's back. If the stack itself changed the nodes, write these files again with `npm run monitoring`.",
    },
    {
      name: "etcdLearnerNotPromoted",
      severity: "warning",
      expr: `etcd_server_is_learner{${selector}} == 1`,
      for: "30m",
      summary: `${MEMBER} is still a learner.`,
      description: `A join was interrupted, or it cannot catch up with the leader. Check \`etcd-host status\` on ${MEMBER}, then run \`pulumi up\` again: it continues where it stopped.`,
    },
    {
      name: "etcdVersionsDiffer",
      severity: "warning",
      expr: `count by (cluster) (count by (cluster, server_version) (etcd_server_version{${selector}})) > 1`,
      for: "1h",
      summary: "The members run {{ $value }} different versions.",
      description:
        "A version change did not finish. Run `npm run status` to see which member runs what, then `pulumi up` to continue.",
    },
  ];
}

function requests(selector: string): readonly Alert[] {
  const failures = (severity: Severity, percent: number, duration: string): Alert => ({
    name: "etcdHighNumberOfFailedGRPCRequests",
    severity,
    expr: `${failedRatio(selector, "5m", "grpc_method")} > ${percent / 100}`,
    for: duration,
    summary: `${VALUE_PERCENT} of the {{ $labels.grpc_method }} requests to ${MEMBER} fail.`,
    description: `Run \`npm run status\` to see alarms, leader and quorum, then \`etcd-host status\` on ${MEMBER}, and read the journal there.`,
  });
  return [
    failures("warning", 1, "10m"),
    failures("critical", 5, "5m"),
    {
      name: "etcdSlowApplies",
      severity: "warning",
      expr: `${p99("etcd_server_apply_duration_seconds", selector, "5m")} > 0.15`,
      for: "10m",
      summary: `${MEMBER} takes ${VALUE_TIME} (p99) to apply a request.`,
      description: `Large ranges or transactions, or a busy CPU or disk. Run \`etcd-host status\` on ${MEMBER}, look at the disk and CPU panels, and search \`journalctl -u etcd\` there for "apply request took too long", which names the request.`,
    },
    {
      name: "etcdMemberCommunicationSlow",
      severity: "warning",
      expr: `${p99("etcd_network_peer_round_trip_time_seconds", selector, "5m", "To")} > 0.15`,
      for: "10m",
      summary: `The round trip from ${MEMBER} to member {{ $labels.To }} takes ${VALUE_TIME} (p99).`,
      description:
        "Run `npm run client -- member list` to see whose ID that is, and check the network between the two hosts. If they are meant to be so far apart, raise `heartbeatInterval` and `electionTimeout`.",
    },
    {
      name: "etcdHighNumberOfFailedProposals",
      severity: "warning",
      expr: `increase(etcd_server_proposals_failed_total{${selector}}[15m]) > 5`,
      for: "15m",
      summary: `{{ $value | humanize }} proposals failed on ${MEMBER} in 15 minutes.`,
      description:
        "Elections or a lost quorum make writes fail. Run `npm run status`, and look at leader changes and members up at that time.",
    },
  ];
}

function disk(selector: string): readonly Alert[] {
  const slow = (name: string, histogram: string, what: string) => {
    return (severity: Severity, seconds: number, duration: string): Alert => ({
      name,
      severity,
      expr: `${p99(histogram, selector, "5m")} > ${seconds}`,
      for: duration,
      summary: `${what} on ${MEMBER} takes ${VALUE_TIME} (p99); at most ${seconds * 1000} ms is expected.`,
      description: `The disk of ${MEMBER} is too slow or shared with something busy. Check it there with \`etcd-host status\` and \`iostat -x 1\`; give etcd a disk of its own, or replace the machine by raising its \`incarnation\`.`,
    });
  };
  const fsync = slow("etcdHighFsyncDurations", "etcd_disk_wal_fsync_duration_seconds", "A WAL fsync");
  const commit = slow(
    "etcdHighCommitDurations",
    "etcd_disk_backend_commit_duration_seconds",
    "A backend commit",
  );
  return [
    fsync("info", 0.01, "1h"),
    fsync("warning", 0.5, "10m"),
    fsync("critical", 1, "10m"),
    commit("info", 0.025, "1h"),
    commit("warning", 0.25, "10m"),
  ];
}

function space(selector: string): readonly Alert[] {
  const size = `etcd_mvcc_db_total_size_in_bytes{${selector}}`;
  const inUse = `etcd_mvcc_db_total_size_in_use_in_bytes{${selector}}`;
  return [
    {
      name: "etcdAlarmRaised",
      severity: "critical",
      expr: `max by (cluster, alarm_type) (etcd_debugging_server_alarms{${selector}}) > 0`,
      for: "1m",
      summary: "The alarm {{ $labels.alarm_type }} is raised.",
      description:
        "NOSPACE: no writes are accepted until keys are deleted or compacted, each member is defragmented (`npm run defragment`), and the alarm is disarmed (`npm run client -- alarm disarm`). CORRUPT: members disagree about the data; stop writers first. Run `npm run status` to see which member raised it.",
    },
    {
      name: "etcdDatabaseQuotaLowSpace",
      severity: "critical",
      expr: `${quotaUsed(selector)} > 0.95`,
      for: "10m",
      summary: `The database of ${MEMBER} uses ${VALUE_PERCENT} of its quota.`,
      description: `At 100 % the cluster accepts no more writes. Run \`npm run status\`: if much of it is free, ${DEFRAGMENT}; otherwise delete keys, or raise \`quotaBackendBytes\` (up to 8 GiB) and run \`pulumi up\`.`,
    },
    {
      name: "etcdExcessiveDatabaseGrowth",
      severity: "warning",
      expr: `predict_linear(${size}[4h], 4 * 3600) > etcd_server_quota_backend_bytes{${selector}} and ${size} offset 1h`,
      for: "10m",
      summary: `The database of ${MEMBER} will exceed its quota within four hours.`,
      description:
        "Find the client that writes so much (requests on the dashboard), and make sure that compaction is on (`autoCompactionRetention`). Run `npm run status` for size and quota.",
    },
    {
      name: "etcdDatabaseHighFragmentationRatio",
      severity: "warning",
      expr: `${inUse} / ${size} < 0.5 and ${inUse} > ${100 * MIB}`,
      for: "10m",
      summary: `Only ${VALUE_PERCENT} of the database file of ${MEMBER} is in use.`,
      description: `Check the sizes with \`npm run status\`, then ${DEFRAGMENT}.`,
    },
    {
      name: "etcdFileDescriptorsLow",
      severity: "warning",
      expr: `process_open_fds{${selector}} / process_max_fds{${selector}} > 0.8`,
      for: "10m",
      summary: `${MEMBER} uses ${VALUE_PERCENT} of its file descriptors.`,
      description: `At 100 % it refuses connections. Too many clients or watches: run \`etcd-host status\` on ${MEMBER} and see who is connected with \`ss -tn sport = :2379\`.`,
    },
  ];
}

const BACKUP_HELP =
  "`npm run status` shows the last one and why it failed, `journalctl -u etcd-backup` on the hosts each run, and `etcd-host backup` takes one";

/** The first counts what etcd sends itself; the others need the file that backup.metricsFile names. */
function backups({ backupMaxAge }: MonitoredCluster, selector: string): readonly Alert[] {
  const sent = `grpc_server_handled_total{${selector},grpc_method="Snapshot",grpc_code="OK"}`;
  const missing: Alert = {
    name: "etcdSnapshotMissing",
    severity: "warning",
    expr: `sum by (cluster) (increase(${sent}[${backupMaxAge}s])) == 0 and sum by (cluster) (${sent} offset ${backupMaxAge}s) >= 0`,
    for: "5m",
    summary: `No member has sent a snapshot within ${backupMaxAge} s.`,
    description: `A loss of the quorum would lose all that was written since the last one. ${BACKUP_HELP}.`,
  };
  return [
    ...(backupMaxAge === undefined ? [] : [missing]),
    {
      name: "etcdBackupStale",
      severity: "critical",
      expr: `time() - etcd_host_backup_last_timestamp_seconds{${selector}} > etcd_host_backup_max_age_seconds{${selector}}`,
      for: "5m",
      summary: `The last backup that ${MEMBER} knows of is older than it may be.`,
      description: `A loss of the quorum would lose all that was written since. ${BACKUP_HELP}.`,
    },
    {
      name: "etcdBackupFailing",
      severity: "critical",
      expr: `etcd_host_backup_failed{${selector}} == 1`,
      for: "5m",
      summary: `The last backup on ${MEMBER} failed.`,
      description: `With a store another member may have taken it over. ${BACKUP_HELP}.`,
    },
  ];
}
