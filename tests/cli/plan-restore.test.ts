// A restore as it is read before it is done: what comes back, what is lost, and that everything stops.
import assert from "node:assert/strict";
import { test } from "node:test";
import { markdown } from "../../cli/plan/markdown.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, planOf } from "./preview.ts";

const snapshot = "etcd-cluster-1-0123abcd/hourly/20261127T060000Z-r123456-3.6-node2.db.gz";
const restore = { snapshot, sha256: "9f".repeat(32), id: 1 };
const config = { "etcd:restore": JSON.stringify(restore) };
const changes: Readonly<Record<string, Change>> = {
  ...Object.fromEntries(
    ["node1", "node2", "node3"].map((name) => [`${name}-member`, { op: "update", reasons: ["update"] }]),
  ),
  before: { op: "update" },
  health: { op: "update" },
};

test("the headline says what is lost, each host that it is restored, and one row from what", () => {
  const plan = planOf({ config, changes }, deployed(3));
  assert.equal(
    plan.headline,
    "3 members are restored from r123456 of 2026-11-27 06:00 UTC; what was written since is lost · an outage",
  );
  assert.equal(plan.verdict, "outage");
  assert.deepEqual(
    [...new Set(plan.hosts.map(({ action, why }) => `${action}: ${why.join("; ")}`))],
    ["restore: stops, its data is set aside, and it starts with the data of the snapshot"],
  );
  assert.deepEqual(plan.cluster[0], {
    step: "restore",
    text: `every host lays out and verifies the snapshot first, then all members stop, and the cluster begins again with ${snapshot} (sha256 9f9f9f9f9f9f9f9f…, id 1)`,
  });
  assert.deepEqual(plan.security, [
    {
      kind: "trust",
      what: "all data of the cluster",
      hosts: [],
      old: "what the members have",
      new: snapshot,
      note: `sha256 ${restore.sha256}`,
    },
  ]);
  assert.match(markdown(plan, 0), /\| 1 \| node1 10\.0\.0\.1 \| restore \|/);
});

test("what is recorded as done is in no row", () => {
  const { id, sha256 } = restore;
  const done = { ...deployed(3), restore: { snapshot, sha256, id, from: "etcd-cluster-1-00000000" } };
  const plan = planOf({ config }, done);
  assert.deepEqual([plan.verdict, plan.headline, plan.security], ["nothing", "nothing to do · safe", []]);
});
