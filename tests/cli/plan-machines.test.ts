import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isAnother,
  losesVolume,
  machineChanges,
  refuseEmptyVolume,
  refuseUnguarded,
} from "../../cli/plan/machines.ts";
import type { Resource } from "../../cli/plan/preview.ts";

function resource(name: string, op: string, more: Partial<Resource> = {}): Resource {
  const state = { inputs: {}, outputs: {}, dependencies: [], retained: false, protected: false };
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
  const secret = { userData: "[secret]" };
  assert.equal(machineChanges(changed(secret, secret)), "another login or other keys");
  assert.match(machineChanges(resource("node1-instance", "create")), /its instance is gone/);
});

test("what differs with another instance anyway is no reason", () => {
  const reasons = (...diffReasons: readonly string[]) =>
    machineChanges({ ...changed({ ami: "ami-1" }, { ami: "ami-2" }), diffReasons });
  assert.equal(reasons("ami", "tags", "tagsAll", "rootBlockDevice"), "AMI ami-1 → ami-2");
  assert.equal(reasons("ami", "userData", "tagsAll"), "AMI ami-1 → ami-2");
  const root = (kmsKeyId: string) => ({ rootBlockDevice: { encrypted: true, kmsKeyId } });
  assert.equal(machineChanges(changed(root("key-1"), root("key-2"))), "another key of the root volume");
  assert.match(
    machineChanges(resource("node1-instance", "replace", { diffReasons: ["tagsAll"] })),
    /^made again, /,
  );
});

test("a host key is not made again while the instance that has it stays", () => {
  const said = (instance: string, key: string) =>
    refuseUnguarded("node1", [resource("node1-instance", instance), resource("node1-host-key", key)]).join();
  for (const op of ["replace", "create"])
    assert.match(
      said("same", op),
      /^node1: with another host key no step would reach it, .*backup of the state\.$/,
    );
  assert.equal(said("same", "same"), "");
  assert.equal(said("create", "create"), "");
});

test("the exchange of a host key is not repeated while the instance that has it stays", () => {
  const said = (instance: string, step: string) =>
    refuseUnguarded("node1", [
      resource("node1-instance", instance),
      resource("node1-key-exchange", step),
    ]).join();
  assert.match(
    said("same", "replace"),
    /^node1: its sshd no longer serves the key .*; leave that step as it is\.$/,
  );
  for (const op of ["same", "create"]) assert.equal(said("same", op), "");
  assert.equal(said("create", "replace"), "");
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
  for (const action of ["bootstrap", "join", "replace"] as const)
    assert.equal(losesVolume({ ...row, action }, empty), false);
  assert.match(
    refuseEmptyVolume(row),
    /^node1: its data volume is gone, .*; raise its incarnation, and plan again\.$/,
  );
});

const GUARD = "urn:pulumi:prod::etcd::type::node1-guard";

/** The instance is replaced, after these. */
function replacedAfter(...dependencies: readonly string[]): Resource {
  const instance = resource("node1-instance", "replace");
  return { ...instance, new: { ...instance.new, dependencies } };
}

test("an instance is replaced after its guard only, which has work in this run", () => {
  const guard = (op: string) => resource("node1-guard", op);
  const said = (...all: readonly Resource[]) => refuseUnguarded("node1", all).join();
  assert.equal(said(replacedAfter(GUARD), guard("update")), "");
  assert.match(
    said(replacedAfter(GUARD), guard("same")),
    /^node1: .* without a new proof .*; raise checkId, and plan again\.$/,
  );
  for (const op of ["same", "update"])
    assert.match(
      said(replacedAfter(), guard(op)),
      /^node1: .* nothing that it is made from changes; .* pulumi up --refresh/,
    );
  assert.equal(said(replacedAfter()), "", "the only member has none");
  assert.match(said(replacedAfter(), resource("node2-instance", "same")), /^node1: .* beside others/);
  assert.equal(said(resource("node1-instance", "same"), guard("same")), "");
});

test("a volume is not detached from an instance that stays", () => {
  const attachment = resource("node1-data-attachment", "replace");
  const said = (op: string) => refuseUnguarded("node1", [resource("node1-instance", op), attachment]).join();
  assert.match(said("same"), /^node1: its data volume would be detached, for which AWS stops the instance, /);
  for (const op of ["replace", "create"]) assert.equal(said(op), "");
});
