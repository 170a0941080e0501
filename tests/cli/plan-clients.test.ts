// Named clients and revocations in the plan: rows for what happens, and what a second approval is for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyRenewals } from "../../cli/plan/compare.ts";
import { type Change, call, type Parts, planOf, rowOf, unit } from "./preview.ts";

const [create, remove, replace]: readonly Change[] = ["create", "delete", "replace"].map((op) => ({ op }));

function clientParts(client: string, change: Change | undefined): NonNullable<Parts["changes"]> {
  return Object.fromEntries(
    ["key", "csr", "cert"].map((part) => [`client.${client}-${part}`, change ?? { op: "same" }]),
  );
}

const security = (changes: NonNullable<Parts["changes"]>) =>
  planOf({ changes }).security.map(({ kind, what, old, new: now }) => `${kind} ${what}: ${old} → ${now}`);

test("a client that comes or goes is one row, and for a second approval", () => {
  const changes = { ...clientParts("app1", create), ...clientParts("app2", remove) };
  const plan = planOf({ changes });
  assert.deepEqual(plan.others, ["client app1: created", "client app2: removed"]);
  assert.equal(plan.headline, "no host is touched · safe");
  assert.equal(onlyRenewals(plan), false);
  assert.deepEqual(security(changes), [
    "access client app1: none → created",
    "access client app2: has a certificate → none",
  ]);
});

test("a raised issue is a new key", () => {
  const changes = { ...clientParts("app1", remove), ...clientParts("app1.2", create) };
  assert.deepEqual(planOf({ changes }).others, ["client app1: issued anew"]);
  assert.deepEqual(security(changes), ["access client app1: has a certificate → issued anew"]);
});

test("a renewal is hot, and for nobody to approve", () => {
  const changes = { "client.app1-cert": { op: "replace" } };
  const plan = planOf({ changes });
  assert.deepEqual([plan.others, plan.security], [["client app1: renewed"], []]);
  assert.equal(onlyRenewals(plan), true);
});

test("another certificate with the same key is no renewal", () => {
  const changes = { "client.app1-csr": replace ?? { op: "" }, "client.app1-cert": replace ?? { op: "" } };
  const plan = planOf({ changes });
  assert.deepEqual(plan.others, ["client app1: changed"]);
  assert.equal(onlyRenewals(plan), false);
  const window = { "client.app1-cert": { op: "update" } };
  assert.deepEqual([planOf({ changes: window }).others, security(window)], [["client app1: updated"], []]);
});

test("the client's certificate that ends first is named", () => {
  for (const name of ["client.app1-cert", "client.app1.2-cert"]) {
    const ends = { [name]: "2026-11-25T00:00:00Z" };
    const changes = { [name]: { op: "same" } };
    assert.equal(planOf({ changes, ends }).earliestExpiry?.certificate, "client.app1");
  }
});

/** A member whose unit refuses as many certificates of each name. */
function refusing(counts: Readonly<Record<string, number>>): string {
  const lines = Object.entries(counts).map(([name, count]) => `# revoked: ${name} (${count})\n`);
  return unit({ "client-crl-file": "/etc/etcd/pki/client.crl" }).replace(
    "[Service]\n",
    `$&${lines.join("")}`,
  );
}

function revoking(
  old: Readonly<Record<string, number>>,
  now: Readonly<Record<string, number>>,
): NonNullable<Parts["changes"]> {
  const texts = { old: { stdin: refusing(old) }, new: { stdin: refusing(now) } };
  return { "node1-member": { op: "update", reasons: ["stdin"], ...texts } };
}

test("a revocation is a restart, which says whose certificates are refused, and how many more", () => {
  const changes = revoking({ app1: 1 }, { app1: 3, "node2-operator": 1 });
  const row = rowOf(planOf({ changes }), "node1");
  assert.deepEqual(
    [row.action, row.why],
    ["restart", ["revokes app1 (2 certificates)", "revokes node2-operator (1 certificate)"]],
  );
  assert.deepEqual(row.unit, [
    "-# revoked: app1 (1)",
    "+# revoked: app1 (3)",
    "+# revoked: node2-operator (1)",
  ]);
  assert.deepEqual(security(changes), [
    "access certificates of app1: 1 certificate refused → 3 certificates refused",
    "access certificates of node2-operator: 0 certificates refused → 1 certificate refused",
  ]);
});

test("the first revocation shows the flag, too, and the last one what is accepted again", () => {
  const plain = { op: "update", reasons: ["stdin"] };
  const on = { ...plain, new: { stdin: refusing({}) } };
  const row = rowOf(planOf({ changes: { "node1-member": on } }), "node1");
  assert.deepEqual(row.why, ["`--client-crl-file=/etc/etcd/pki/client.crl` added"]);
  const off = { ...plain, old: { stdin: refusing({ app1: 1 }) }, new: { stdin: unit() } };
  const back = rowOf(planOf({ changes: { "node1-member": off } }), "node1");
  assert.deepEqual(back.why, [
    "no longer refuses app1",
    "`--client-crl-file=/etc/etcd/pki/client.crl` removed",
  ]);
});

test("a host's own certificates with new keys are no keys that were lost", () => {
  const issue = (role: string): NonNullable<Parts["changes"]> => ({
    [`node1-${role}-cert`]: { op: "delete" },
    [`node1-${role}-key`]: { op: "delete" },
    [`node1-${role}.2-cert`]: { op: "create" },
    [`node1-${role}.2-key`]: { op: "create" },
  });
  const changes = {
    ...issue("server"),
    ...issue("peer"),
    ...issue("operator"),
    "node1-certificates": {
      op: "update",
      reasons: ["stdin"],
      new: { create: call("certificates", "node1") },
    },
  };
  const plan = planOf({ changes });
  const row = rowOf(plan, "node1");
  assert.deepEqual(row.certificates, ["server", "peer", "operator"]);
  assert.deepEqual([row.action, row.replaced, plan.others], ["reissue", [], []]);
  assert.equal(row.why[0], "new certificates with new keys (server, peer, operator)");
  assert.equal(onlyRenewals(plan), false);
});
