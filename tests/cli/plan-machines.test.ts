import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isAnother,
  isUnguarded,
  losesVolume,
  machineChanges,
  refuseEmptyVolume,
  refuseUnguarded,
} from "../../cli/plan/machines.ts";
import type { Resource } from "../../cli/plan/preview.ts";

function resource(name: string, op: string, more: Partial<Resource> = {}): Resource {
  const state = { inputs: {}, outputs: {}, dependencies: [], retained: false };
  const urn = `urn:pulumi:prod::etcd::type::${name}`;
  return {
    urn,
    name,
    type: "type",
    changes: op !== "same",
    op,
    diffReasons: [],
    old: state,
    new: state,
    ...more,
  };
}

/** An instance that is replaced for a change of its inputs. */
function changed(from: Record<string, unknown>, to: Record<string, unknown>): Resource {
  const replaced = resource("node1-instance", "replace", { diffReasons: Object.keys(to) });
  return { ...replaced, old: { ...replaced.old, inputs: from }, new: { ...replaced.new, inputs: to } };
}

test("why an instance is replaced is said in the words of the stack file", () => {
  assert.equal(machineChanges(changed({ ami: "ami-1" }, { ami: "ami-2" })), "AMI ami-1 → ami-2");
  assert.equal(
    machineChanges(changed({ ami: "ami-1", instanceType: "a" }, { ami: "ami-2", instanceType: "b" })),
    "AMI ami-1 → ami-2, type a → b",
  );
  assert.equal(machineChanges(changed({ userData: "[secret]" }, { userData: "[secret]" })), "other userData");
  assert.match(machineChanges(resource("node1-instance", "create")), /its instance is gone/);
});

test("another instance is one that is replaced or made, not one that changes in place", () => {
  const ops = ["replace", "create", "update", "same"];
  assert.deepEqual(
    ops.map((op) => isAnother(resource("node1-instance", op))),
    [true, true, false, false],
  );
  assert.equal(isAnother(undefined), false);
});

test("a member that would get an empty volume is refused; one that begins anew may", () => {
  const row = {
    name: "node1",
    order: 1,
    address: "",
    why: [],
    unit: [],
    certificates: [],
    replaced: [],
    steps: [],
  };
  const empty = [resource("node1-data", "create")];
  assert.equal(losesVolume({ ...row, action: "rebuild" }, empty), true);
  assert.equal(losesVolume({ ...row, action: "rebuild" }, [resource("node1-data", "same")]), false);
  for (const action of ["found", "join", "replace"] as const)
    assert.equal(losesVolume({ ...row, action }, empty), false);
  assert.match(
    refuseEmptyVolume(row),
    /^node1: its data volume is gone, .*; raise its incarnation, and plan again\.$/,
  );
});

test("an instance that would be replaced without its guard is refused; one without a guard is the only one", () => {
  const instance = resource("node1-instance", "replace");
  assert.equal(isUnguarded("node1", [instance, resource("node1-guard", "same")]), true);
  assert.equal(isUnguarded("node1", [instance, resource("node1-guard", "update")]), false);
  assert.equal(isUnguarded("node1", [instance]), false);
  assert.equal(
    isUnguarded("node1", [resource("node1-instance", "same"), resource("node1-guard", "same")]),
    false,
  );
  assert.match(
    refuseUnguarded({ name: "node1" }),
    /^node1: .* without a new proof .*; raise checkId, and plan again\.$/,
  );
});
