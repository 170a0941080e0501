/** What a restore adds to the steps, in which order, and that nothing of it is there before and runs again after. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenAfter } from "../../cluster/restore.ts";
import { type Run, runProgram } from "./harness.ts";
import { changedSteps, earlierOutputs, optionsOf, output, step, steps, text, waitsFor } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const restore = { snapshot: "etcd-3.6-20261127T060000Z-node1.db", sha256: "9f".repeat(32) };
const NODES = ["node1", "node2", "node3"];

const founded = await runProgram({ config: clusterOf(3) });
const restored = await run(founded, { restore });
const again = await run(restored, { restore });
const without = await run(restored, {});

async function run(before: Run, settings: Readonly<Record<string, unknown>>): Promise<Run> {
  const done = await runProgram({ config: clusterOf(3, settings), earlier: earlierOutputs(before) });
  assert.equal(done.failure, undefined);
  return done;
}
const deployedOf = (one: Run) => Object(output(one, "deployed"));
const names = (one: Run) => steps(one).map(({ name }) => name);
const parts = (part: string) => NODES.map((node) => `${node}-${part}`);

test("every host stages before it is judged, all halt before any starts, and the record follows the proof", () => {
  for (const name of parts("restore"))
    assert.deepEqual(waitsFor(restored, name), ["host", "binaries", "certificates"].flatMap(parts).sort());
  for (const name of parts("restore")) assert.ok(waitsFor(restored, "before").includes(name));
  for (const name of parts("halt")) assert.deepEqual(waitsFor(restored, name), ["before"]);
  for (const member of parts("member"))
    for (const name of parts("halt")) assert.ok(waitsFor(restored, member).includes(name));
  assert.ok(waitsFor(restored, "health").includes("membership"));
});

test("all steps have the token of the new cluster, and hosts are told the one before it, too", () => {
  const token = tokenAfter(deployedOf(founded).token, { sha256: restore.sha256, id: 1 });
  assert.equal(deployedOf(restored).token, token);
  assert.deepEqual(deployedOf(restored).restore, { ...restore, id: 1, from: deployedOf(founded).token });
  for (const name of [...parts("restore"), ...parts("halt"), ...parts("member")])
    assert.equal(optionsOf(text(step(restored, name), "create"))["initial-token"], token, name);
  for (const name of ["before", "membership"])
    assert.equal(optionsOf(text(step(restored, name), "update")).restore, token);
  for (const name of parts("host")) {
    const { cluster, former } = optionsOf(text(step(restored, name), "create"));
    assert.deepEqual([cluster, former], [token, deployedOf(founded).token]);
  }
  const staged = optionsOf(text(step(restored, "node2-restore"), "create"));
  assert.deepEqual(
    [staged.snapshot, staged.sha256, staged["bump-revision"], staged["peer-url"]],
    [restore.snapshot, restore.sha256, "1000000000", "https://192.168.1.102:2380"],
  );
  assert.ok(!NODES.some((node) => names(founded).includes(`${node}-restore`)));
});

test("once it is recorded its steps stay as they are, whatever else is declared, and no other changes", () => {
  for (const name of [...parts("restore"), ...parts("halt")])
    assert.deepEqual(step(again, name).request.getIgnorechangesList(), ["*"], name);
  const ran = Object.keys(changedSteps(restored, again)).filter((name) => !/-(restore|halt)$/.test(name));
  assert.deepEqual(ran, []);
});

test("taken out of the stack, its steps go, and of the others only those around the members change", () => {
  assert.deepEqual(
    names(restored)
      .filter((name) => !names(without).includes(name))
      .sort(),
    [...parts("halt"), ...parts("restore")].sort(),
  );
  const common = Object.keys(changedSteps(restored, without)).filter((name) => names(without).includes(name));
  assert.deepEqual(common.sort(), ["before", "membership"]);
  assert.equal(deployedOf(without).token, deployedOf(restored).token);
});

test("on an empty stack the founders wait for it, and it is in the record", async () => {
  const first = await runProgram({ config: clusterOf(3, { restore }) });
  assert.equal(first.failure, undefined);
  for (const name of parts("restore")) assert.ok(waitsFor(first, "before").includes(name));
  for (const member of parts("member")) {
    for (const name of parts("halt")) assert.ok(waitsFor(first, member).includes(name));
    assert.ok(!parts("member").some((other) => waitsFor(first, member).includes(other)));
  }
  assert.deepEqual(deployedOf(first).restore, { ...restore, id: 1 });
  const second = await run(first, { restore });
  const ran = Object.keys(changedSteps(first, second)).filter((name) =>
    /-(host|member)$|^health$/.test(name),
  );
  assert.equal(deployedOf(second).token, deployedOf(first).token);
  assert.ok(
    ran.every((name) => !/-host$/.test(name)),
    ran.join(),
  );
});

test("the key that decrypts a snapshot is a secret, on stdin of the steps that need it alone", async () => {
  const identity = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
  const settings = { restore: { ...restore, snapshot: "a.db.gz.age" }, backupIdentity: identity };
  const secret = await run(founded, settings);
  for (const one of steps(secret)) {
    const has = JSON.stringify(one.inputs).includes(identity);
    assert.equal(has, /-restore$/.test(one.name), one.name);
  }
});

test("every host is told of the store, as a new machine knows of none, and the first backup of the restored cluster follows", async () => {
  const backup = { store: { bucket: "backups", region: "eu-central-1" }, encryption: "store" };
  const stored = { backup, backupAccessKey: "KEYID:VERYSECRET" };
  const before = await run(founded, stored);
  const after = await run(before, { ...stored, restore });
  for (const name of parts("restore")) {
    const { create, stdin } = step(after, name).inputs;
    assert.match(
      String(create),
      / --store=https:\/\/\S*backups\S* --store-prefix=etcd --store-region=eu-central-1 /,
    );
    assert.equal(stdin, "== store.key\nKEYID:VERYSECRET\n");
  }
  assert.ok("backup" in changedSteps(before, after));
});

test("a healthy cluster is restored only by a word that only these steps are sent", async () => {
  const allowing = await run(founded, { restore, allow: ["restore-healthy-cluster"] });
  assert.equal(optionsOf(text(step(allowing, "before"), "update")).allow, "restore-healthy-cluster");
  for (const name of parts("member"))
    assert.equal(text(step(allowing, name), "update"), text(step(restored, name), "update"));
});
