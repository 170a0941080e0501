/** The files of `npm run monitoring`, in a real Prometheus, on a real cluster. */

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseDocument } from "yaml";
import { labCommand } from "../../lab/describe.ts";
import { alertsFor } from "../../monitoring/alerts.ts";
import { type MonitoredCluster, monitoredCluster } from "../../monitoring/cluster.ts";
import { dashboard } from "../../monitoring/dashboard.ts";
import { metricsIn } from "../../monitoring/queries.ts";
import { bareHosts, lab, labDown, must, onHost, run } from "./lab.ts";
import { Project } from "./project.ts";
import { type FiringAlert, Prometheus, until } from "./prometheus.ts";

/** Series that a healthy cluster lacks. docs/monitoring.md says when they appear. */
const ONLY_ON_EVENT = ["etcd_debugging_server_alarms"];
/** Of the file that a backup writes, which no node_exporter reads here. */
const OF_NODE_EXPORTER = [
  "etcd_host_backup_last_timestamp_seconds",
  "etcd_host_backup_max_age_seconds",
  "etcd_host_backup_failed",
];

/** How fast the machine under the lab is just now is no fault of the cluster: these may be pending. */
const SPEED = new Set([
  "etcdHighFsyncDurations",
  "etcdHighCommitDurations",
  "etcdSlowApplies",
  "etcdMemberCommunicationSlow",
]);

let project: Project;
let folder: string;
let cluster: MonitoredCluster;
let prometheus: Prometheus;

before(async () => {
  await bareHosts(3);
  project = await Project.create("monitored", {
    extraFlags: { metrics: "extensive" },
    clients: [{ name: "prometheus" }],
  });
  folder = join(project.dir, "monitoring");
  await must(project.up());
  await writeFiles();
  prometheus = await Prometheus.start(folder);
});
after(async () => {
  await prometheus.stop();
  await project.dispose();
  await labDown();
});

/** The two commands of docs/monitoring.md; then more frequent scrapes than in production, to have it done in seconds. */
async function writeFiles(): Promise<void> {
  const commands = `cd '${project.dir}' && node cli/monitoring/monitoring.ts --write '${folder}' && node cli/client/client.ts --client prometheus --write-bundle '${folder}/bundle'`;
  await must(run(labCommand, ["exec", "sh", "-c", commands], project.env));
  const [deployed, members] = [await project.output("deployed"), await project.output("members")];
  cluster = monitoredCluster({ deployed, members });
  const file = join(folder, "prometheus.yml");
  const config = parseDocument(await readFile(file, "utf8"));
  config.set("global", { scrape_interval: "2s", scrape_timeout: "2s", evaluation_interval: "2s" });
  await writeFile(file, config.toString());
}

test("Prometheus reaches every member over TLS, and knows it by name", async () => {
  await until("all targets are up", async () => {
    const targets = await prometheus.targets();
    return targets.length === 3 && targets.every(({ health }) => health === "up");
  });
  const members = (await prometheus.targets()).map(({ labels }) => labels.member).sort();
  assert.deepEqual(members, ["node1", "node2", "node3"]);
});

test("every metric of a rule or a panel has a series of every member, but those that only an event brings", async () => {
  const panels = dashboard(cluster).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const expressions = [...alertsFor(cluster).map(({ expr }) => expr), ...panels];
  const metrics = [...new Set(expressions.flatMap(metricsIn))];
  assert.ok(metrics.length > 20, metrics.join());
  const missing: string[] = [];
  for (const metric of metrics) {
    const series = await prometheus.query(`count by (member) (${metric}{cluster="${cluster.name}"})`);
    if (series.length < 3) missing.push(metric);
  }
  assert.deepEqual(missing, [...ONLY_ON_EVENT, ...OF_NODE_EXPORTER]);
});

test("on a healthy cluster every rule can be evaluated, and no condition holds but those of speed", async () => {
  await until("every member was scraped five times", async () => {
    const scrapes = await prometheus.query("min(count_over_time(up[1m]))");
    return Number(scrapes[0]?.value[1]) >= 5;
  });
  await until("the rules were evaluated", async () =>
    (await prometheus.rules()).every(({ health }) => health !== "unknown"),
  );
  const unhealthy = (await prometheus.rules()).filter(({ health }) => health !== "ok");
  assert.deepEqual(unhealthy, []);
  const alerts = (await prometheus.alerts()).filter(({ labels }) => !SPEED.has(labels.alertname ?? ""));
  assert.deepEqual(alerts, []);
});

test("a raised alarm is seen", async () => {
  const members = await project.output("members");
  assert.ok(Array.isArray(members));
  const memberID = String(BigInt(`0x${members[0].id}`));
  const alarm = (action: string) => requestAlarm({ action, memberID, alarm: "NOSPACE" });
  await alarm("ACTIVATE");
  const raised = await alertOf("etcdAlarmRaised");
  assert.equal(raised.labels.alarm_type, "NOSPACE");
  await alarm("DEACTIVATE");
  await until("the alert ends", async () => (await named("etcdAlarmRaised")) === undefined);
});

test("one member stops: it is named, and the cluster still has enough", async () => {
  await onHost(3, "systemctl stop etcd");
  const down = await alertOf("etcdMembersDown");
  assert.equal(down.labels.member, "node3");
  assert.equal(down.annotations.summary, "node3 does not answer.");
  assert.equal(await named("etcdInsufficientMembers"), undefined);
});

test("a second one stops: quorum is lost, and the last one has no leader", async () => {
  await onHost(2, "systemctl stop etcd");
  assert.equal((await alertOf("etcdInsufficientMembers")).labels.severity, "critical");
  assert.equal((await alertOf("etcdNoLeader")).labels.member, "node1");
  for (const n of [2, 3]) await onHost(n, "systemctl start --no-block etcd");
  await until("all alerts of missing members end", async () => {
    const names = ["etcdMembersDown", "etcdInsufficientMembers", "etcdNoLeader"];
    return (await Promise.all(names.map(named))).every((alert) => alert === undefined);
  });
});

async function named(name: string): Promise<FiringAlert | undefined> {
  return (await prometheus.alerts()).find(({ labels }) => labels.alertname === name);
}

/** The alert, once its condition holds: waiting for minutes until it fires would show no more. */
async function alertOf(name: string): Promise<FiringAlert> {
  await until(`${name} is pending`, async () => (await named(name)) !== undefined);
  const alert = await named(name);
  assert.ok(alert, `${name} ended at once`);
  return alert;
}

async function requestAlarm(request: Readonly<Record<string, string>>): Promise<void> {
  const bundle = (file: string) => join(folder, "bundle", file);
  const tls = ["--cacert", bundle("ca.crt"), "--cert", bundle("client.crt"), "--key", bundle("client.key")];
  const url = `https://${cluster.members[0]?.target}/v3/maintenance/alarm`;
  await must(lab("exec", "curl", "-sS", "--fail-with-body", ...tls, url, "-d", JSON.stringify(request)));
}
