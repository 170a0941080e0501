import assert from "node:assert/strict";
import { test } from "node:test";
import { type Run, runProgram } from "./harness.ts";
import { changedSteps, earlierOutputs, output, registrations, step, text, waitsFor } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const RECIPIENT = `age1${"q".repeat(58)}`;
const store = { bucket: "backups", region: "eu-central-1" };
const withStore = {
  backup: { store, encryption: [RECIPIENT] },
  backupAccessKey: "KEYID:VERYSECRET",
};
const plain = await runProgram({ config: clusterOf(3) });
const timed = await runProgram({ config: clusterOf(3, { backup: {}, maintenance: {} }) });
const stored = await runProgram({ config: clusterOf(3, withStore) });
const UPKEEP = ["node1-upkeep", "node2-upkeep", "node3-upkeep"];

test("a stack that asks for no schedule registers nothing new, whatever it says of the folder", async () => {
  for (const backup of [{ interval: "off" }, { directory: "" }])
    assert.deepEqual(
      registrations(await runProgram({ config: clusterOf(3, { backup }) })),
      registrations(plain),
    );
  const names = plain.resources.map(({ name, type }) => `${type} ${name}`);
  assert.deepEqual(
    names.filter((name) => /upkeep|backup/i.test(name)),
    [],
  );
});

test("each host is told its timers, readable in a diff, and by deletion that they go", () => {
  for (const name of UPKEEP) {
    const { inputs } = step(timed, name);
    assert.equal(
      optionWords(timed, name),
      "--interval=1h --keep=24 --reserve=1024 --max-age=10800 --defragment='Sun 03:00' --free-mib=100 --free-percent=45",
    );
    assert.equal(inputs.update, inputs.create);
    assert.match(text(step(timed, name), "delete"), /^! test -x \S+ \|\| \S+ remove-upkeep --name=node/);
    assert.equal(inputs.stdin, undefined);
  }
  assert.match(
    optionWords(stored, "node1-upkeep"),
    /--max-age=10800 --recipients=age1q+ --store=https:\/\/backups\.s3\.eu-central-1\.amazonaws\.com --store-prefix=etcd --store-region=eu-central-1$/,
  );
});

test("the key of the store goes over stdin only, as a secret", () => {
  const { inputs } = step(stored, "node1-upkeep");
  assert.equal(text(step(stored, "node1-upkeep"), "stdin"), "== store.key\nKEYID:VERYSECRET\n");
  const { stdin: _, ...others } = inputs;
  assert.doesNotMatch(JSON.stringify(others), /VERYSECRET/);
  for (const one of stored.resources.filter(({ name }) => !UPKEEP.includes(name)))
    assert.doesNotMatch(JSON.stringify(one.inputs), /VERYSECRET/, one.name);
});

test("they come after the members and before the proof, and one backup after that", async () => {
  for (const run of [
    timed,
    await runProgram({ config: clusterOf(3, { backup: {} }), earlier: earlierOutputs(timed) }),
  ]) {
    assert.ok(UPKEEP.every((name) => waitsFor(run, "health").includes(name)));
    assert.deepEqual(waitsFor(run, "backup"), ["health", ...UPKEEP]);
    for (const name of UPKEEP)
      assert.ok(waitsFor(run, name).some((other) => other === "membership" || other.endsWith("-member")));
  }
});

test("another interval changes these steps and the proof, and no member; what these say has the backup follow", async () => {
  const again = await runProgram({
    config: clusterOf(3, { backup: {}, maintenance: {} }),
    earlier: earlierOutputs(timed),
  });
  assert.deepEqual(registrations(again), registrations(timed));
  const changed = await runProgram({
    config: clusterOf(3, { backup: { interval: "15m" }, maintenance: {} }),
    earlier: earlierOutputs(timed),
  });
  assert.deepEqual(Object.keys(changedSteps(again, changed)).sort(), ["health", ...UPKEEP]);
  assert.deepEqual(output(changed, "deployed"), output(again, "deployed"));
});

test("defragmentation alone takes no backup", async () => {
  const { resources } = await runProgram({ config: clusterOf(3, { maintenance: {} }) });
  assert.ok(resources.some(({ name }) => name === "node1-upkeep"));
  assert.ok(!resources.some(({ name }) => name === "backup"));
});

test("of a lost node its timers stay in the state, and nobody is asked", async () => {
  const config = clusterOf(3, { backup: {} });
  const nodes = Object(config.nodes);
  const lost = [nodes[0], nodes[1], { ...nodes[2], lost: true }];
  const run = await runProgram({ config: { ...config, nodes: lost }, earlier: earlierOutputs(timed) });
  assert.equal(step(run, "node3-upkeep").inputs.create, ":");
});

function optionWords(run: Run, name: string): string {
  const create = text(step(run, name), "create");
  return create.slice(create.indexOf("--check-id=0 ") + "--check-id=0 ".length);
}
