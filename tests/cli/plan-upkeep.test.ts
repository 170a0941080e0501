// Timers and the backup at the end in the plan: what changes, and for a second approval where the data goes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyRenewals } from "../../cli/plan/compare.ts";
import type { Deployed } from "../../cluster/topology.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, call, nodesOf, type Parts, planOf, restarts, rowOf, texts } from "./preview.ts";

const HOURLY = { interval: "1h", keep: "24", reserve: "1024", "max-age": "10800" };
const STORE = { store: "https://backups.s3.eu-central-1.amazonaws.com", "store-prefix": "etcd" };
const RECIPIENT = `age1${"q".repeat(58)}`;

const SNAPSHOT = "etcd-cluster-1-0123abcd/hourly/20261127T060000Z-r123456-3.6-node2.db.gz";

const textsOf = (options: Readonly<Record<string, string>>) => {
  const create = call("upkeep", "node1", options);
  return { create, update: create, stdin: "[secret]" };
};
const updated = (old: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): Change => ({
  op: "update",
  old: textsOf(old),
  new: textsOf(now),
  reasons: ["create", "update"],
});
const planWith = (step: Change, others: NonNullable<Parts["changes"]> = {}) =>
  planOf({ changes: { "node1-upkeep": step, ...others } });
const why = (step: Change) => {
  const { action, why: clauses } = rowOf(planWith(step), "node1");
  return [action, clauses.join(", ")];
};

test("another interval prepares the host again, without a restart, and one backup is taken", () => {
  const step = updated(HOURLY, { ...HOURLY, interval: "15m" });
  const plan = planWith(step, { backup: { op: "update" } });
  assert.deepEqual(why(step), ["prepare", "backup every 1h → 15m, no restart"]);
  assert.deepEqual([plan.restarts, plan.security], [0, []]);
  assert.equal(plan.headline, "1 host is prepared again, no restart · safe");
  assert.deepEqual(plan.cluster, [{ step: "backup", text: "one is taken and verified at the end" }]);
  assert.deepEqual(plan.others, []);
  assert.equal(onlyRenewals(plan), false);
  assert.deepEqual(
    rowOf(plan, "node1").steps.filter(({ step: name, from, to }) => name === "upkeep" && from !== to).length,
    1,
  );
});

test("the first time it is the timers, and the last time they are taken away", () => {
  const both = { ...HOURLY, defragment: "'Sun 03:00'" };
  assert.deepEqual(why({ op: "create", new: textsOf(both) }), [
    "prepare",
    "timers for backup and defragmentation, no restart",
  ]);
  assert.deepEqual(why({ op: "delete", old: textsOf(HOURLY) }), [
    "prepare",
    "timers for backup taken away, no restart",
  ]);
  const gone = planWith({ op: "delete", old: textsOf(HOURLY) }, { backup: { op: "delete" } });
  assert.deepEqual(gone.cluster, [{ step: "backup", text: "none is taken any more" }]);
});

test("where the data goes, and who can read it there, is for a second approval", () => {
  const security = (step: Change) =>
    planWith(step).security.map(({ kind, what, old, new: now }) => `${kind} ${what}: ${old} → ${now}`);
  const encrypted = { ...HOURLY, ...STORE, recipients: RECIPIENT };
  assert.deepEqual(security(updated(HOURLY, encrypted)), [
    `exposure store of the snapshots, which hold all data: none → ${STORE.store}/etcd`,
    `exposure who can read the snapshots: root on the hosts → the age keys of ${RECIPIENT}`,
  ]);
  assert.deepEqual(security(updated(encrypted, { ...HOURLY, ...STORE })), [
    `exposure who can read the snapshots: the age keys of ${RECIPIENT} → whoever may read the bucket`,
  ]);
  assert.deepEqual(security({ op: "create", new: textsOf(HOURLY) }), []);
  const OTHER = `age1${"p".repeat(58)}`;
  assert.deepEqual(
    security(updated({ ...HOURLY, recipients: RECIPIENT }, { ...HOURLY, recipients: OTHER })),
    [`exposure who can read the snapshots: the age keys of ${RECIPIENT} → the age keys of ${OTHER}`],
  );
});

test("without backups, and with another key of the store: each is for a second approval", () => {
  const off = { kind: "exposure", what: "backups every", hosts: ["node1"], old: "1h", new: "none", note: "" };
  assert.deepEqual(planWith({ op: "delete", old: textsOf(HOURLY) }).security, [off]);
  const defragmented = { defragment: "'Sun 03:00'", "free-mib": "100", "free-percent": "45" };
  assert.deepEqual(planWith(updated({ ...HOURLY, ...defragmented }, defragmented)).security, [off]);
  assert.deepEqual(planWith({ op: "delete", old: textsOf(defragmented) }).security, []);
  const same = updated({ ...HOURLY, ...STORE }, { ...HOURLY, ...STORE });
  assert.deepEqual(
    planWith({ ...same, reasons: ["stdin"] }).security.map(({ what, old, new: now }) => [what, old, now]),
    [["key or CA of the store", "the present one", "another one"]],
  );
});

test("whatever else happens on a host, its timers are told", () => {
  const step = updated(HOURLY, { ...HOURLY, keep: "3" });
  const clause = "backups kept 24 → 3";
  const comes = { "node1-member": { op: "create" } } as const;
  const again = { op: "update", new: texts("node1", { incarnation: "2" }), reasons: ["create"] } as const;
  const restore = JSON.stringify({ snapshot: SNAPSHOT, sha256: "9f".repeat(32), id: 1 });
  const whyOf = (parts: Parts, before: Deployed | "new" = deployed(3), name = "node1") =>
    rowOf(planOf({ ...parts, changes: { [`${name}-upkeep`]: step, ...parts.changes } }, before), name);
  for (const [action, row] of [
    ["bootstrap", whyOf({ changes: comes }, "new")],
    ["join", whyOf({ changes: { "node2-member": { op: "create" } } }, deployed(1), "node2")],
    [
      "replace",
      whyOf({ nodes: nodesOf(3, { node1: { incarnation: 2 } }), changes: { "node1-member": again } }),
    ],
    ["restart", whyOf({ changes: { "node1-member": restarts() } })],
    ["restore", whyOf({ config: { "etcd:restore": restore }, changes: { "node1-member": again } })],
  ] as const) {
    assert.equal(row.action, action);
    assert.ok(row.why.includes(clause), `${action}: ${row.why}`);
  }
});

test("another key of the store is said, and not shown", () => {
  const same = updated({ ...HOURLY, ...STORE }, { ...HOURLY, ...STORE });
  assert.deepEqual(why({ ...same, reasons: ["stdin"] }), [
    "prepare",
    "another key or CA of the store, no restart",
  ]);
});

test("beside a renewal of certificates it is a change to approve", () => {
  const step = updated(HOURLY, { ...HOURLY, keep: "3" });
  const renewed = {
    "node1-server-cert": { op: "replace" },
    "node1-certificates": { op: "update", reasons: ["stdin"] },
  };
  const plan = planWith(step, renewed);
  assert.equal(onlyRenewals(plan), false);
  assert.match(rowOf(plan, "node1").why.join(), /new certificates.*,backups kept 24 → 3,no restart/);
});

test("a configuration with a store is read from a preview, where its key is masked", () => {
  const backup = JSON.stringify({
    store: { bucket: "backups", region: "eu-central-1" },
    encryption: "store",
  });
  const config = { "etcd:backup": backup, "etcd:backupAccessKey": "[secret]", "etcd:maintenance": "{}" };
  assert.equal(planOf({ config }).verdict, "nothing");
});
