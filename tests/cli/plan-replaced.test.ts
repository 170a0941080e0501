// What a plan says of steps and keys that are replaced although nothing of them changes, and which of it is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPlan } from "../../cli/plan/build.ts";
import { deviations, onlyRenewals } from "../../cli/plan/compare.ts";
import type { Plan } from "../../cli/plan/model.ts";
import { parsePreview, UNKNOWN } from "../../cli/plan/preview.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, call, comes, leaves, planOf, previewText, restarts, rowOf, unit } from "./preview.ts";

const replace: Change = { op: "replace" };
const create: Change = { op: "create" };
const update: Change = { op: "update" };

function rows({ cluster }: Plan): readonly string[] {
  return cluster.map(({ step, text }) => `${step}: ${text}`);
}

test("a step that is replaced runs again, and its member restarts only if it differs", () => {
  for (const part of ["host", "binaries", "certificates", "member"]) {
    const plan = planOf({ changes: { [`node2-${part}`]: replace } });
    const { action, why, replaced } = rowOf(plan, "node2");
    assert.deepEqual([action, why], ["repeat", [`made again: ${part}`, "restarts only if it differs"]]);
    assert.deepEqual(replaced, [part]);
    assert.deepEqual([plan.verdict, plan.restarts], ["safe", 0]);
    assert.equal(plan.headline, "1 host runs steps again · safe");
    assert.equal(rowOf(plan, "node1").action, "nothing");
  }
});

test("all of them on all hosts: nothing restarts, and the cluster's steps have a row", () => {
  const parts = ["host", "binaries", "certificates", "member"];
  const names = ["node1", "node2", "node3"].flatMap((node) => parts.map((part) => `${node}-${part}`));
  const all = [...names, "before", "membership", "health"].map((name) => [name, replace] as const);
  const plan = planOf({ changes: Object.fromEntries(all) });
  assert.equal(plan.headline, "3 hosts run steps again · safe");
  assert.deepEqual(rowOf(plan, "node3").replaced, parts);
  assert.deepEqual(rows(plan), [
    "replace: before, health, membership: made again, and run again",
    "health: the whole cluster is proven healthy",
  ]);
});

test("a replacement hides no change: another unit is a restart, and says so", () => {
  const { op: _, ...change } = restarts();
  const row = rowOf(planOf({ changes: { "node1-member": { op: "replace", ...change } } }), "node1");
  assert.deepEqual(
    [row.action, row.why],
    ["restart", ["`--snapshot-count=10000` → `20000`", "made again: member"]],
  );
});

test("a step that the state lost is made again: the member does not join", () => {
  const changes = { "node2-member": { ...create, new: { stdin: unit() } }, "node3-host": create };
  const plan = planOf({ changes });
  const [member, host] = ["node2", "node3"].map((name) => rowOf(plan, name));
  assert.deepEqual(
    [member?.action, member?.why],
    ["repeat", ["made again: member", "restarts only if it differs"]],
  );
  assert.deepEqual([host?.action, host?.replaced], ["repeat", ["host"]]);
  const joins = planOf({ chain: ["node1", "node2", "node3"], changes: comes("node3") }, deployed(2));
  assert.deepEqual([rowOf(joins, "node3").action, rowOf(joins, "node3").replaced], ["join", []]);
});

test("a leaf's key that is replaced brings a new certificate, without a restart", () => {
  const changes: Readonly<Record<string, Change>> = {
    "node2-server-key": replace,
    "node2-server-cert": { op: "replace", new: { certRequestPem: UNKNOWN } },
    "node2-certificates": { op: "update", new: { stdin: UNKNOWN }, reasons: ["stdin"] },
  };
  const plan = planOf({ changes });
  const row = rowOf(plan, "node2");
  assert.equal(row.action, "reissue");
  assert.deepEqual(row.why, [
    "new certificates (server)",
    "etcd reloads them by itself",
    "made again: server-key",
  ]);
  assert.deepEqual(plan.others, []);
  assert.equal(onlyRenewals(plan), false);
});

test("a CA's key is not replaced in a cluster that was proven; in a new one it may be", () => {
  for (const change of [replace, create]) {
    const plan = planOf({ changes: { "peer-ca-key": change, "peer-ca-cert": replace } });
    assert.equal(plan.verdict, "refused");
    assert.match(plan.refusals.join(), /^peer-ca-key: with another key it is another authority, /);
  }
  assert.notEqual(planOf({ changes: { "peer-ca-key": replace } }, "new").verdict, "refused");
});

test("a data volume is not replaced by an empty one", () => {
  const plan = planOf({ changes: { "node2-data": replace } });
  assert.deepEqual([plan.verdict, plan.hosts], ["refused", []]);
  assert.match(plan.refusals.join(), /^node2-data: its data volume would be replaced by an empty one, /);
});

test("the stack's own resource is not replaced: its outputs are the record of the last proof", () => {
  const { steps, ...rest } = JSON.parse(previewText());
  const [own, ...others] = steps;
  const text = JSON.stringify({ ...rest, steps: [{ ...own, op: "replace" }, ...others] });
  assert.match(
    buildPlan(parsePreview(text), deployed(3)).refusals.join(),
    /^the stack: .* the record of what was proven; /,
  );
  assert.notEqual(buildPlan(parsePreview(text), undefined).verdict, "refused");
});

test("a step that was renamed in the state is not deleted beside the one that takes its place", () => {
  const stop = { delete: call("stop", "node2") };
  const changes: Readonly<Record<string, Change>> = {
    "node2-member": { op: "create", new: stop },
    "more-member": { op: "delete", old: stop },
  };
  assert.match(
    planOf({ changes }).refusals.join(),
    /^more-member: it is the step node2-member under another name, .*: pulumi state rename 'urn:\S+::more-member' node2-member\.$/,
  );
  assert.notEqual(planOf({ changes: { "more-member": { op: "delete", old: stop } } }).verdict, "refused");
});

test("an approval is for what is replaced", () => {
  const approved = planOf({ changes: { "node2-member": replace } });
  assert.deepEqual(deviations(approved, approved), []);
  const more = planOf({ changes: { "node2-member": replace, "node2-host": replace } });
  assert.deepEqual(deviations(approved, more), [
    "node2: now repeat: made again: host, member; restarts only if it differs, approved was repeat: made again: member; restarts only if it differs",
  ]);
  assert.equal(deviations(planOf(), approved).length, 1);
});

test("a part of the stack changes members only with the step that proves what is left", () => {
  const target = { replace: [], target: ["**::node1-member"], exclude: [] };
  const restart = { "node1-member": restarts() };
  const [refused] = planOf({ changes: restart }, deployed(3), target).refusals;
  assert.match(
    refused ?? "",
    /^node1: --target node1-member leaves out the step before, which proves .* \(restart\); select that step too/,
  );
  assert.equal(planOf({ changes: { ...restart, before: update } }, deployed(3), target).verdict, "safe");
  assert.equal(planOf({ changes: restart }).verdict, "safe", "the whole stack asks for no more");

  const exclude = { replace: [], target: [], exclude: ["**::membership"] };
  const parts = {
    chain: ["node1", "node2", "node3", "node4"],
    changes: { ...leaves("node4"), before: update },
  };
  assert.match(
    planOf(parts, deployed(4), exclude).refusals.join(),
    /^node4: .* the step membership, .*\(remove\)/,
  );
});

test("a part of the stack may be prepared or run again alone, and the plan says that it is one", () => {
  const target = { replace: ["**::node1-member"], target: ["**::node1-member"], exclude: [] };
  const plan = planOf({ changes: { "node1-member": replace } }, deployed(3), target);
  assert.deepEqual([plan.verdict, plan.selection], ["safe", target]);
});
