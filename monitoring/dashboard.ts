/** The Grafana dashboard: is the cluster healthy, what do clients see, what do the disks, the network and the processes do. */

import type { MonitoredCluster } from "./cluster.ts";
import { type Chart, charts, STATS_HEIGHT, type Stat, stats } from "./panels.ts";
import { failedRatio, p99, quotaUsed } from "./queries.ts";

const SELECTOR = 'cluster="$cluster"';
const WINDOW = "$__rate_interval";
/** What etcd's hardware guide asks of a disk. */
const FSYNC_LIMIT = { value: 0.01, color: "red" } as const;
const COMMIT_LIMIT = { value: 0.025, color: "red" } as const;

export function dashboard(cluster: MonitoredCluster) {
  const tiles = statList(cluster);
  return {
    uid: `etcd-${cluster.name}`.slice(0, 40),
    title: `etcd ${cluster.name}`,
    tags: ["etcd"],
    schemaVersion: 42,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: { list: [datasourceVariable(), clusterVariable(cluster)] },
    panels: [
      ...stats(tiles, 1, 0),
      ...charts(
        [...clientCharts(), ...diskCharts(), ...raftCharts(), ...hostCharts()],
        1 + tiles.length,
        STATS_HEIGHT,
      ),
    ],
  };
}

function datasourceVariable() {
  return { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" };
}

function clusterVariable({ name }: MonitoredCluster) {
  const query = "label_values(etcd_server_has_leader, cluster)";
  return {
    name: "cluster",
    label: "Cluster",
    type: "query",
    datasource: { type: "prometheus", uid: `\${datasource}` },
    definition: query,
    query: { query, refId: "clusters" },
    refresh: 2,
    current: { text: name, value: name },
  };
}

function statList({ members, quorum }: MonitoredCluster): readonly Stat[] {
  return [
    {
      title: `Members up, of ${members.length}`,
      description: `Members that answer Prometheus. Writes need ${quorum}.`,
      unit: "none",
      queries: [{ expr: `sum(up{${SELECTOR},job=~"etcd/.*"})`, legend: "up" }],
      redBelow: members.length,
    },
    {
      title: "Leader",
      description: "The current leader.",
      unit: "none",
      queries: [{ expr: `etcd_server_is_leader{${SELECTOR}} == 1`, legend: "{{member}}" }],
      showName: true,
    },
    {
      title: "Alerts firing",
      description: "Alerts of this cluster that are firing.",
      unit: "none",
      queries: [{ expr: `count(ALERTS{${SELECTOR},alertstate="firing"}) or vector(0)`, legend: "alerts" }],
      redFrom: 1,
    },
    {
      title: "Quota used",
      description: "The fullest database, as a share of its quota. At 100 % no more writes are accepted.",
      unit: "percentunit",
      queries: [{ expr: `max(${quotaUsed(SELECTOR)})`, legend: "used" }],
      redFrom: 0.95,
    },
  ];
}

function clientCharts(): readonly Chart[] {
  return [
    {
      title: "Client requests",
      description: "Requests of all kinds that clients sent to each member.",
      unit: "reqps",
      queries: [
        perMember(`sum by (member) (rate(etcd_server_client_requests_total{${SELECTOR}}[${WINDOW}]))`),
      ],
    },
    {
      title: "Failed requests",
      description:
        "The share of unary gRPC requests that failed through etcd's fault. An alert fires above 1 %.",
      unit: "percentunit",
      queries: [perMember(failedRatio(SELECTOR, WINDOW))],
      limit: { value: 0.01, color: "orange" },
    },
    {
      title: "Request time p99",
      description:
        "Time to apply a request once it is committed; and the whole unary request, which etcd measures only with extraFlags metrics=extensive.",
      unit: "s",
      queries: [
        { expr: p99("etcd_server_apply_duration_seconds", SELECTOR, WINDOW), legend: "apply {{member}}" },
        {
          expr: p99("grpc_server_handling_seconds", `${SELECTOR},grpc_type="unary"`, WINDOW),
          legend: "whole {{member}}",
        },
      ],
    },
  ];
}

function diskCharts(): readonly Chart[] {
  return [
    {
      title: "WAL fsync p99",
      description: "Every write waits for it. Below 10 ms on a suitable disk.",
      unit: "s",
      queries: [perMember(p99("etcd_disk_wal_fsync_duration_seconds", SELECTOR, WINDOW))],
      limit: FSYNC_LIMIT,
    },
    {
      title: "Backend commit p99",
      description: "The database's own transaction. Below 25 ms on a suitable disk.",
      unit: "s",
      queries: [perMember(p99("etcd_disk_backend_commit_duration_seconds", SELECTOR, WINDOW))],
      limit: COMMIT_LIMIT,
    },
    {
      title: "Database size",
      description: "The file, the part of it in use (the rest is fragmentation), and the quota.",
      unit: "bytes",
      queries: [
        { expr: `etcd_mvcc_db_total_size_in_bytes{${SELECTOR}}`, legend: "file {{member}}" },
        { expr: `etcd_mvcc_db_total_size_in_use_in_bytes{${SELECTOR}}`, legend: "in use {{member}}" },
        { expr: `min(etcd_server_quota_backend_bytes{${SELECTOR}})`, legend: "quota" },
      ],
    },
  ];
}

function raftCharts(): readonly Chart[] {
  return [
    {
      title: "Proposals",
      description: "Writes that the cluster committed, and that each member applied.",
      unit: "cps",
      queries: [
        {
          expr: `max(rate(etcd_server_proposals_committed_total{${SELECTOR}}[${WINDOW}]))`,
          legend: "committed",
        },
        {
          expr: `rate(etcd_server_proposals_applied_total{${SELECTOR}}[${WINDOW}])`,
          legend: "applied {{member}}",
        },
      ],
    },
    {
      title: "Proposals pending and failed",
      description:
        "Waiting for the other members now, and failed in the last five minutes: elections or a lost quorum.",
      unit: "short",
      queries: [
        { expr: `etcd_server_proposals_pending{${SELECTOR}}`, legend: "pending {{member}}" },
        {
          expr: `increase(etcd_server_proposals_failed_total{${SELECTOR}}[5m])`,
          legend: "failed {{member}}",
        },
      ],
    },
    {
      title: "Leader changes in 15 minutes",
      description: "Changes that each member saw. An alert fires at four or more.",
      unit: "short",
      queries: [perMember(`increase(etcd_server_leader_changes_seen_total{${SELECTOR}}[15m])`)],
      limit: { value: 4, color: "orange" },
    },
    {
      title: "Peer round trip p99",
      description: "From each member to the others. Should be well below the heartbeat interval.",
      unit: "s",
      queries: [
        perMember(
          `max by (member) (${p99("etcd_network_peer_round_trip_time_seconds", SELECTOR, WINDOW, "To")})`,
        ),
      ],
    },
    {
      title: "Network",
      description: "Bytes that each member sends to clients and to peers.",
      unit: "Bps",
      queries: [
        {
          expr: `rate(etcd_network_client_grpc_sent_bytes_total{${SELECTOR}}[${WINDOW}])`,
          legend: "clients {{member}}",
        },
        {
          expr: `sum by (member) (rate(etcd_network_peer_sent_bytes_total{${SELECTOR}}[${WINDOW}]))`,
          legend: "peers {{member}}",
        },
      ],
    },
    {
      title: "Snapshot and defragmentation p99",
      description:
        "Time to read a snapshot of the database, and to defragment it. Empty while neither happens.",
      unit: "s",
      queries: [
        {
          expr: p99("etcd_disk_backend_snapshot_duration_seconds", SELECTOR, WINDOW),
          legend: "snapshot {{member}}",
        },
        {
          expr: p99("etcd_disk_backend_defrag_duration_seconds", SELECTOR, WINDOW),
          legend: "defrag {{member}}",
        },
      ],
    },
  ];
}

function hostCharts(): readonly Chart[] {
  return [
    {
      title: "Memory",
      description: "Resident memory of etcd, including the mapped parts of the database.",
      unit: "bytes",
      queries: [perMember(`process_resident_memory_bytes{${SELECTOR}}`)],
    },
    {
      title: "CPU",
      description: "Cores that etcd uses.",
      unit: "short",
      queries: [perMember(`rate(process_cpu_seconds_total{${SELECTOR}}[${WINDOW}])`)],
    },
    {
      title: "Open files",
      description: "File descriptors of etcd: connections, WAL segments, the database.",
      unit: "short",
      queries: [perMember(`process_open_fds{${SELECTOR}}`)],
    },
  ];
}

function perMember(expr: string) {
  return { expr, legend: "{{member}}" };
}
