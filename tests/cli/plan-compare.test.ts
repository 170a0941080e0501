// Whether what would happen now is still what was approved.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviations, notDone, onlyRenewals, samePlan } from "../../cli/plan/compare.ts";
import type { Plan } from "../../cli/plan/model.ts";
import { UNKNOWN } from "../../cli/plan/preview.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, call, comes, nodesOf, planOf, restarts, texts, unit } from "./preview.ts";

type Changes = Readonly<Record<string, Change>>;

const health: Changes = { health: { op: "update", new: { stdin: "digest 02" } } };
/** As the program does it: the host step carries a digest of its member. */
const hosts: Changes = Object.fromEntries(
  ["node1", "node2", "node3"].map((name) => {
    const prepare = call("prepare", name, { member: "2" });
    return [`${name}-host`, { op: "update", new: { create: prepare, update: prepare }, reasons: ["create"] }];
  }),
);
const members: Changes = Object.fromEntries(
  ["node1", "node2", "node3"].map((name) => [`${name}-member`, restarts()]),
);
const renewal: Changes = {
  "node3-server-cert": { op: "replace" },
  "node3-certificates": { op: "update", new: { stdin: UNKNOWN } },
  "client-cert": { op: "replace" },
  health: { op: "update", new: { stdin: UNKNOWN } },
};
const approved = planOf({ changes: { ...hosts, ...members, ...health } });

/** The same steps, of which some are done: nothing changes of them any more. */
function done(changes: Changes, ...names: readonly string[]): Changes {
  return Object.fromEntries(
    Object.entries(changes).map(([name, change]) =>
      names.includes(name)
        ? [name, { op: "same", old: change.new ?? {}, new: change.new ?? {} }]
        : [name, change],
    ),
  );
}

function restartedOnly(plan: Plan): readonly string[] {
  return plan.hosts.filter(({ action }) => action === "restart").map(({ name }) => name);
}

test("the same preview is the same plan", () => {
  const again = planOf({ changes: { ...hosts, ...members, ...health }, reversed: true });
  assert.equal(samePlan(approved, again), true);
  assert.deepEqual(deviations(approved, again), []);
});

test("warnings and the days that certificates have left make no other plan", () => {
  const later = planOf({
    changes: { ...hosts, ...members, ...health },
    warnings: ["another"],
    ends: { "client-cert": "2026-12-01T00:00:00Z" },
  });
  assert.equal(samePlan(approved, later), true);
});

test("a plan that was applied in part may be finished", () => {
  const all = { ...hosts, ...members, ...health };
  const left = planOf({ changes: done(all, "node1-host", "node2-host", "node3-host", "node1-member") });
  assert.deepEqual(restartedOnly(left), ["node2", "node3"]);
  assert.equal(samePlan(approved, left), false);
  assert.deepEqual(deviations(approved, left), []);
});

test("a plan that was applied leaves nothing", () => {
  const all = { ...hosts, ...members, ...health };
  const left = planOf({ changes: done(all, ...Object.keys(all)) });
  assert.equal(left.verdict, "nothing");
  assert.deepEqual(deviations(approved, left), []);
});

test("a renewal that came due in between may be done with it", () => {
  const now = planOf({ changes: { ...hosts, ...members, ...health, ...renewal } });
  assert.equal(samePlan(approved, now), false);
  assert.deepEqual(deviations(approved, now), []);
  const alone = planOf({ changes: renewal });
  assert.deepEqual(deviations(planOf(), alone), []);
});

test("other texts are another change, even if the action is the same", () => {
  const now = planOf({
    changes: { ...hosts, ...members, ...health, "node2-member": restarts({ "snapshot-count": "30000" }) },
  });
  assert.deepEqual(deviations(approved, now), [
    "node2: now restart: `--snapshot-count=10000` → `30000`, approved was restart: `--snapshot-count=10000` → `20000`",
  ]);
});

test("another action is named with the planned one", () => {
  const compared = planOf({
    changes: { "node1-member": { op: "update", new: texts("node1", { "check-id": "1" }) } },
  });
  const now = planOf({ changes: { "node1-member": restarts() } });
  assert.deepEqual(deviations(compared, now), [
    "node1: now restart: `--snapshot-count=10000` → `20000`, approved was compare: checkId 0 → 1: compared with what is declared; restarts only if it differs",
  ]);
});

test("a host that was not in the plan is named", () => {
  const now = planOf({ nodes: nodesOf(5), changes: { ...comes("node4"), ...comes("node5") } }, deployed(3));
  const found = deviations(approved, now);
  assert.equal(found.filter((one) => one.startsWith("node")).length, 2);
  assert.match(found.at(-1) ?? "", /^security: login: ssh user of node4, node5: none → root$/);
  assert.match(found[0] ?? "", /^node4: now join: new member: .*, and was not in the plan$/);
});

test("another version change is named, and another resource", () => {
  const version = (to: string) => planOf({ config: { "etcd:version": to } });
  assert.deepEqual(deviations(version("3.7.1"), version("3.7.2")), [
    "cluster: etcd 3.6.14 → 3.7.2, a minor upgrade: a snapshot is saved first, and only a downgrade leads back",
  ]);
  const other = planOf({ changes: { "more-bucket": { op: "create" } } });
  assert.deepEqual(deviations(approved, other), ["more-bucket: create"]);
});

test("only renewals: leafCertificates of hosts and of the administrator, and the proof", () => {
  assert.equal(onlyRenewals(planOf()), true);
  assert.equal(onlyRenewals(planOf({ changes: renewal })), true);
  const { nodes, ...rest } = deployed(3);
  const { node2: _, ...others } = nodes;
  const lost = { nodes: nodesOf(3, { node2: { lost: true } }), changes: renewal };
  assert.equal(onlyRenewals(planOf(lost, { ...rest, nodes: others })), true);
});

const more: readonly [string, Plan][] = [
  ["a restart", planOf({ changes: { ...renewal, "node1-member": restarts() } })],
  [
    "another etcd-host",
    planOf({ changes: { ...renewal, "node1-host": { op: "update", new: { stdin: "x" } } } }),
  ],
  [
    "a comparison",
    planOf({ changes: { ...renewal, "node1-member": { op: "update", new: { update: "x" } } } }),
  ],
  ["a version change", planOf({ changes: renewal, config: { "etcd:version": "3.7.1" } })],
  ["a new CA", planOf({ changes: { ...renewal, "client-ca-cert": { op: "replace" } } })],
  ["a lost member to remove", planOf({ changes: renewal, nodes: nodesOf(3, { node2: { lost: true } }) })],
  ["another resource", planOf({ changes: { ...renewal, "more-bucket": { op: "create" } } })],
];
for (const [title, plan] of more)
  test(`more than renewals: ${title}`, () => assert.equal(onlyRenewals(plan), false));

test("an approval from before a later change is no approval to take that change back", () => {
  const later = { "heartbeat-interval": "250" };
  const back: Changes = Object.fromEntries(
    ["node1", "node2", "node3"].map((name) => [
      `${name}-member`,
      { ...restarts(), old: { stdin: unit({ ...later, "snapshot-count": "20000" }) } },
    ]),
  );
  const replayed = planOf({ changes: { ...hosts, ...back, ...health } });
  assert.equal(deviations(approved, replayed).length, 3);
});

test("a renewal hides nothing: another program, archive or life of a leaf is no renewal", () => {
  const others: readonly Changes[] = [
    { "node3-host": { op: "update", new: { stdin: "#!/bin/sh\n:" }, reasons: ["stdin"] } },
    { "node3-binaries": { op: "update", new: texts("node3", { mirror: "x" }), reasons: ["create"] } },
    {
      "node3-server-cert": {
        op: "replace",
        old: { validityPeriodHours: "8760" },
        new: { validityPeriodHours: "24" },
      },
    },
  ];
  for (const other of others) {
    const plan = planOf({ changes: { ...renewal, ...other } });
    assert.equal(onlyRenewals(plan), false);
    assert.match(deviations(planOf(), plan)[0] ?? "", /^node3: now /);
  }
});

test("nothing left to do is told from a stack that asks for something else by now", () => {
  const applied = planOf({
    changes: done({ ...hosts, ...members }, ...Object.keys({ ...hosts, ...members })),
  });
  assert.deepEqual(notDone(approved, applied), []);
  assert.deepEqual(notDone(approved, planOf()), ["node1", "node2", "node3"]);
});
