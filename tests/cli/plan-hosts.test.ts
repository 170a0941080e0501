// One row for each host: what happens there, and why.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UNKNOWN } from "../../cli/plan/preview.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, call, comes, leaves, nodesOf, planOf, restarts, rowOf, texts } from "./preview.ts";

const renewal: Change = { op: "replace", reasons: ["earlyRenewalHours"] };
const swap: Change = { op: "update", new: { stdin: UNKNOWN }, reasons: ["stdin"] };

test("nothing: every step stays as it is", () => {
  const plan = planOf();
  assert.deepEqual(
    plan.hosts.map(({ order, name, address, action, why }) => [order, name, address, action, why]),
    [
      [1, "node1", "10.0.0.1", "nothing", []],
      [2, "node2", "10.0.0.2", "nothing", []],
      [3, "node3", "10.0.0.3", "nothing", []],
    ],
  );
  assert.deepEqual([plan.verdict, plan.restarts], ["nothing", 0]);
});

test("prepare: a new etcd-host, or an option of a step that touches no process", () => {
  const program: Change = { op: "update", new: { stdin: "#!/bin/sh\n" }, reasons: ["stdin"] };
  const host = rowOf(planOf({ changes: { "node2-host": program } }), "node2");
  assert.deepEqual([host.action, host.why], ["prepare", ["a new etcd-host", "no restart"]]);

  const mirror = { create: call("install", "node2", { mirror: "http://other" }) };
  const binaries: Change = { op: "update", new: mirror, reasons: ["create"] };
  const plan = planOf({ changes: { "node2-binaries": binaries } });
  const row = rowOf(plan, "node2");
  assert.deepEqual([row.action, row.why], ["prepare", ["binaries step: create", "no restart"]]);
  assert.deepEqual([plan.verdict, plan.headline], ["safe", "1 host is prepared again, no restart · safe"]);
});

test("compare: another checkId restarts only what differs", () => {
  const change: Change = { op: "update", new: texts("node1", { "check-id": "4" }), reasons: ["update"] };
  const plan = planOf({ changes: { "node1-member": change } });
  const row = rowOf(plan, "node1");
  assert.equal(row.action, "compare");
  assert.deepEqual(row.why, ["checkId 0 → 4: compared with what is declared", "restarts only if it differs"]);
  assert.deepEqual([row.unit, plan.restarts], [[], 0]);
});

test("compare: another option of the member step is named", () => {
  const change: Change = { op: "update", new: texts("node1", { allow: "'two words'" }), reasons: ["update"] };
  const row = rowOf(planOf({ changes: { "node1-member": change } }), "node1");
  assert.deepEqual([row.action, row.why], ["compare", ["`allow` changes", "restarts only if it differs"]]);
});

test("renew: new leafCertificates alone touch no process", () => {
  const changes = { "node2-server-cert": renewal, "node2-peer-cert": renewal, "node2-certificates": swap };
  const plan = planOf({ changes });
  const row = rowOf(plan, "node2");
  assert.equal(row.action, "renew");
  assert.deepEqual(row.why, ["new certificates (server, peer)", "etcd reloads them by itself"]);
  assert.deepEqual(row.certificates, ["server", "peer"]);
  assert.deepEqual(row.steps, rowOf(planOf(), "node2").steps, "a renewal changes no digest");
  assert.equal(plan.headline, "1 host gets new certificates, no restart · safe");
});

test("restart: the unit's lines that differ, and one phrase for each setting", () => {
  const plan = planOf({
    changes: {
      "node1-member": restarts({ "snapshot-count": "20000", "max-txn-ops": "256" }),
      "node1-server-cert": renewal,
    },
  });
  const row = rowOf(plan, "node1");
  assert.equal(row.action, "restart");
  assert.deepEqual(row.unit, [
    "-  --snapshot-count=10000 \\",
    "+  --snapshot-count=20000 \\",
    "+  --max-txn-ops=256 \\",
  ]);
  assert.deepEqual(row.why, [
    "`--snapshot-count=10000` → `20000`",
    "`--max-txn-ops=256` added",
    "new certificates (server)",
  ]);
  assert.deepEqual([plan.restarts, plan.headline], [1, "1 restart · safe"]);
});

test("restart: a flag that goes, and another release", () => {
  const flags = { "snapshot-count": "10000" };
  const old = restarts({ ...flags, debug: "true" }).new ?? {};
  const change: Change = { ...restarts(flags, "3.6.16"), old };
  assert.deepEqual(rowOf(planOf({ changes: { "node1-member": change } }), "node1").why, [
    "etcd 3.6.14 → 3.6.16",
    "`--debug=true` removed",
  ]);
});

const unitOf = (...lines: readonly string[]) => `[Service]\nLimitNOFILE=65536\n${lines.join("\n")}\n`;
const ownLines = ["LimitCORE=0", "OOMScoreAdjust=-900"];

for (const [what, before, after, why] of [
  ["lines of the program's own", ["ProtectClock=yes"], [...ownLines, "ProtectClock=yes"], []],
  ["a line of its own that is another", ["ProtectClock=no"], ["ProtectClock=yes"], []],
  ["a setting beside them", [], [...ownLines, "Nice=-5"], ["`Nice=-5` added"]],
  ["another value than the new default", [], ["OOMScoreAdjust=-500"], ["`OOMScoreAdjust=-500` added"]],
] as const)
  test(`restart: a new version of the program, with ${what}`, () => {
    const change: Change = {
      op: "update",
      old: { stdin: unitOf(...before) },
      new: { stdin: unitOf(...after) },
      reasons: ["stdin"],
    };
    const isOwn = after.some((line) => /^(LimitCORE|Protect)/.test(line));
    assert.deepEqual(rowOf(planOf({ changes: { "node1-member": change } }), "node1").why, [
      ...why,
      ...(isOwn ? ["a new version of the program"] : []),
    ]);
  });

test("restart: a limit that is set back to its default is a setting, and so is each folder and variable", () => {
  const change: Change = {
    op: "update",
    old: { stdin: unitOf("OOMScoreAdjust=-500", "ReadWritePaths=/a", "Environment=GOGC=50") },
    new: {
      stdin: unitOf(
        "OOMScoreAdjust=-900",
        "ReadWritePaths=/a",
        "ReadWritePaths=/b",
        "Environment=GOGC=80",
        "Environment=GOMEMLIMIT=1GiB",
      ),
    },
    reasons: ["stdin"],
  };
  assert.deepEqual(rowOf(planOf({ changes: { "node1-member": change } }), "node1").why, [
    "`OOMScoreAdjust=-500` → `-900`",
    "`Environment=GOGC=50` → `GOGC=80`",
    "`ReadWritePaths=/b` added",
    "`Environment=GOMEMLIMIT=1GiB` added",
  ]);
});

test("restart: a new CA bundle, or one that is not known yet", () => {
  for (const now of [texts("node1", { bundles: "4567" }), { create: UNKNOWN, update: UNKNOWN }]) {
    const change: Change = { op: "update", new: now, reasons: ["update"] };
    const row = rowOf(planOf({ changes: { "node1-member": change } }), "node1");
    assert.deepEqual([row.action, row.why, row.unit], ["restart", ["another CA bundle"], []]);
  }
});

test("restart: an address that moves is named with both", () => {
  const nodes = nodesOf(3, { node2: { address: "10.0.0.9" } });
  const change = restarts({ "listen-peer-urls": "https://10.0.0.9:2380" });
  const row = rowOf(planOf({ nodes, changes: { "node2-member": change } }), "node2");
  assert.equal(row.address, "10.0.0.9");
  assert.equal(row.why[0], "moves from 10.0.0.2 to 10.0.0.9");
});

test("bootstrap: on a stack that was never proven", () => {
  const create: Change = { op: "create" };
  const certificates = { "client-ca-cert": create, "peer-ca-cert": create, "client-cert": create };
  const changes = { ...comes("node1"), ...comes("node2"), ...comes("node3"), ...certificates };
  const plan = planOf({ changes }, "new");
  assert.deepEqual(rowOf(plan, "node1").why, ["first start, in a new cluster"]);
  assert.equal(plan.headline, "3 members bootstrap · safe");
  assert.deepEqual([rowOf(plan, "node1").unit, plan.earliestExpiry], [[], null]);
});

test("join: a new member of a cluster that is there", () => {
  const plan = planOf({ nodes: nodesOf(5), changes: { ...comes("node4"), ...comes("node5") } }, deployed(3));
  assert.deepEqual(rowOf(plan, "node5").why, ["new member: joins as a learner, then votes"]);
  assert.equal(plan.headline, "2 members join · safe");
  assert.equal(rowOf(plan, "node1").action, "nothing");
});

test("replace: a raised incarnation", () => {
  const change: Change = { op: "update", new: texts("node2", { incarnation: "2" }), reasons: ["create"] };
  const nodes = nodesOf(3, { node2: { incarnation: 2 } });
  const row = rowOf(planOf({ nodes, changes: { "node2-member": change } }), "node2");
  assert.equal(row.action, "replace");
  assert.deepEqual(row.why, ["incarnation 1 → 2: joins without data, as a new member"]);
});

test("replace: is read from the last proof where the old text was not known", () => {
  const nodes = nodesOf(3, { node2: { incarnation: 2 } });
  const change: Change = { op: "update", old: { create: UNKNOWN }, new: { create: UNKNOWN } };
  assert.equal(rowOf(planOf({ nodes, changes: { "node2-member": change } }), "node2").action, "replace");
  assert.equal(rowOf(planOf({ changes: { "node2-member": change } }), "node2").action, "compare");
});

test("remove: a node that is no longer declared, after the members that stay", () => {
  const parts = { chain: ["node4", "node1", "node2", "node3"], changes: leaves("node4") };
  const plan = planOf(parts, deployed(4));
  const row = rowOf(plan, "node4");
  assert.deepEqual([row.order, row.address, row.action], [null, "10.0.0.4", "remove"]);
  assert.deepEqual(row.why, ["no longer declared: stops, and its data is set aside"]);
  assert.deepEqual(
    plan.hosts.map(({ name }) => name),
    ["node1", "node2", "node3", "node4"],
  );
  assert.equal(plan.headline, "1 member is removed · safe");
});

test("remove: a name that ends like a step's is no other node", () => {
  const nodes = [...nodesOf(2), { name: "etcd", address: "10.0.0.3" }];
  const chain = ["etcd-host", "node1", "node2", "etcd"];
  const plan = planOf({ nodes, chain, changes: leaves("etcd-host") }, deployed(3));
  assert.deepEqual(
    plan.hosts.map(({ name, action }) => [name, action]),
    [
      ["node1", "nothing"],
      ["node2", "nothing"],
      ["etcd", "nothing"],
      ["etcd-host", "remove"],
    ],
  );
});

test("inert: a lost node, whose member goes if there still is one", () => {
  const nodes = nodesOf(3, { node2: { lost: true } });
  const [listed, gone] = [
    planOf({ nodes }),
    planOf({ nodes }, { ...deployed(1), former: { node2: { incarnation: 1, lost: true } } }),
  ];
  assert.deepEqual([rowOf(listed, "node2").order, rowOf(listed, "node2").action], [null, "inert"]);
  assert.deepEqual(rowOf(listed, "node2").why, ["lost: its member is removed, nothing runs there"]);
  assert.deepEqual(rowOf(gone, "node2").why, ["lost: nothing runs there"]);
  assert.equal(listed.hosts.at(-1)?.name, "node2", "it comes last");
});

test("inert: a lost node that is forgotten is dialled by nobody", () => {
  const chain = ["node1", "node2", "node3", "node4"];
  const plan = planOf({ chain, changes: leaves("node4", true) }, deployed(3));
  const row = rowOf(plan, "node4");
  assert.deepEqual([row.action, row.why], ["inert", ["was lost, and is now forgotten"]]);
  assert.equal(plan.headline, "no host is touched · safe", "but the state is, by an up");
});

test("the order is that of the chain, whatever that of the declaration and of the file", () => {
  const chain = ["node3", "node1", "node2"];
  for (const reversed of [false, true]) {
    const plan = planOf({ chain, reversed, changes: { "node1-member": restarts() } });
    assert.deepEqual(
      plan.hosts.map(({ order, name }) => [order, name]),
      [
        [1, "node3"],
        [2, "node1"],
        [3, "node2"],
      ],
    );
  }
});

test("another text of a step is another digest, of that host alone", () => {
  const [same, other] = [planOf(), planOf({ changes: { "node1-member": restarts() } })];
  const third = planOf({ changes: { "node1-member": restarts({ "snapshot-count": "30000" }) } });
  const steps = [same, other, third].map((plan) =>
    rowOf(plan, "node1").steps.find(({ step }) => step === "member"),
  );
  assert.equal(new Set(steps.map((step) => step?.from)).size, 1);
  assert.equal(new Set(steps.map((step) => step?.to)).size, 3);
  assert.equal(steps[0]?.from, steps[0]?.to);
  assert.deepEqual(rowOf(same, "node2").steps, rowOf(other, "node2").steps);
});

test("members that leave are in one order, whatever the preview's", () => {
  for (const reversed of [false, true]) {
    const changes = { ...leaves("node4"), ...leaves("node5") };
    const plan = planOf(
      { chain: ["node1", "node2", "node3", "node4", "node5"], changes, reversed },
      deployed(5),
    );
    const removed = plan.hosts.filter(({ action }) => action === "remove").map(({ name }) => name);
    assert.deepEqual(removed, ["node4", "node5"]);
  }
});
