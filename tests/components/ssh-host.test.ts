import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../cluster/digest.ts";
import { hostProgram } from "../../host/program.ts";
import { runProgram } from "../program/harness.ts";
import { optionsOf, step, text } from "../program/queries.ts";
import { clusterOf, nodes } from "../program/stacks.ts";

const [node1] = nodes(1);
const settings = {
  nodes: [{ ...node1, listenAddress: "0.0.0.0" }],
  dataDir: "/srv/etcd",
  quotaBackendBytes: 4 * 1024 ** 3,
  metricsUrl: "http://0.0.0.0:9100",
  allow: [],
  checkId: 7,
};
const run = await runProgram({ config: clusterOf(1, settings) });
const host = step(run, "node1-host");

test("the first step of a host brings the whole program on stdin, and only there", () => {
  assert.equal(text(host, "stdin"), hostProgram());
  assert.ok(text(host, "create").length < 700);
});

test("the preflight is told what it judges the host by", () => {
  const { owner, cluster, "not-before": _, ...options } = optionsOf(text(host, "create"));
  assert.deepEqual(options, {
    name: "node1",
    incarnation: "1",
    "check-id": "7",
    address: "192.168.1.101",
    listen: "0.0.0.0",
    "data-dir": "/srv/etcd",
    quota: String(4 * 1024 ** 3),
    "metrics-url": "http://0.0.0.0:9100",
    member: digestOf([text(step(run, "node1-member"), "stdin")]),
  });
  assert.equal(owner, host.parent);
  assert.equal(cluster, optionsOf(text(step(run, "node1-member"), "create"))["initial-token"]);
});

test("where snapshots go is said only if it is not the usual place: a stack without it keeps its texts", async () => {
  const { create } = optionsByText(await runProgram({ config: clusterOf(1) }));
  assert.equal(create.snapshots, undefined);
  const elsewhere = { backup: { directory: "/mnt/backups/" } };
  const given = optionsByText(await runProgram({ config: clusterOf(1, elsewhere) }));
  assert.equal(given.create.snapshots, "/mnt/backups");
  assert.equal(given.delete.snapshots, undefined);
});
function optionsByText(of: Awaited<ReturnType<typeof runProgram>>) {
  const made = step(of, "node1-host");
  return { create: optionsOf(text(made, "create")), delete: optionsOf(text(made, "delete")) };
}

test("a host is prepared again by the very text that prepared it", () => {
  assert.equal(text(host, "update"), text(host, "create"));
});

test("what the unit asks of the host is told where it is not the usual, and only there", async () => {
  const unit = { privateUsers: false, readWritePaths: ["/var/log/etcd", "/srv/logs"] };
  const tuned = step(await runProgram({ config: clusterOf(1, { ...settings, unit }) }), "node1-host");
  const { "private-users": namespaces, writable } = optionsOf(text(tuned, "create"));
  assert.deepEqual([namespaces, writable], ["no", "/var/log/etcd /srv/logs"]);
});
