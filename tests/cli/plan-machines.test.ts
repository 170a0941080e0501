import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isAnother,
  isUnguarded,
  machineChanges,
  refuseUnguarded,
  volumeOf,
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

test("the row says whether the data is still there", () => {
  assert.match(volumeOf(resource("node1-data", "same")), /the data volume stays/);
  assert.match(volumeOf(resource("node1-data", "create")), /starts only with a raised incarnation/);
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
