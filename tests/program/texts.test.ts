import assert from "node:assert/strict";
import { test } from "node:test";
import { type Run, runProgram } from "./harness.ts";
import {
  changedSteps,
  differingLines,
  earlierOutputs,
  optionsOf,
  registrations,
  step,
  steps,
  text,
} from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const cluster = ["before", "health", "membership"];
const members = ["node1-member", "node2-member", "node3-member"];
const hosts = ["node1-host", "node2-host", "node3-host"];

const founded = await runProgram({ config: clusterOf(3) });
const again = await runProgram({ config: clusterOf(3), earlier: earlierOutputs(founded) });

function stepNames(of: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(of).sort();
}

test("the same configuration registers the same, whether or not the stack has been proven in between", async () => {
  assert.ok(registrations(founded).length > 50);
  assert.deepEqual(registrations(await runProgram({ config: clusterOf(3) })), registrations(founded));
  assert.deepEqual(registrations(again), registrations(founded));
});

test("one flag of etcd changes a line of each unit and cluster step, and has each host looked at first", async () => {
  const changed = await runProgram({
    config: clusterOf(3, { snapshotCount: 20000 }),
    earlier: earlierOutputs(founded),
  });
  const changes = changedSteps(again, changed);
  assert.deepEqual(stepNames(changes), [...cluster, ...hosts, ...members].sort());
  for (const name of hosts) {
    assert.deepEqual(changes[name], ["create", "update"]);
    assert.deepEqual(differingOptions(again, changed, name), ["member"]);
  }
  for (const name of members) {
    assert.deepEqual(changes[name], ["stdin"]);
    assert.deepEqual(stdinLines(again, changed, name), [
      "-  --snapshot-count=10000 \\",
      "+  --snapshot-count=20000 \\",
    ]);
  }
  for (const name of cluster) {
    assert.deepEqual(changes[name], ["stdin"]);
    const told = name === "health" ? ["told node1 …", "told node2 …", "told node3 …"] : [];
    assert.deepEqual(
      stdinLines(again, changed, name).map((line) => line.replace(/[0-9a-f]{16}$/, "…")),
      [
        ...["digest …", ...told].map((line) => `-${line}`),
        ...["digest …", ...told].map((line) => `+${line}`),
      ],
    );
  }
});

/** Options that a step's texts have otherwise in the other run. */
function differingOptions(before: Run, after: Run, name: string): readonly string[] {
  const [old, now] = [before, after].map((run) => optionsOf(text(step(run, name), "update")));
  const keys = new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})]);
  return [...keys].filter((key) => old?.[key] !== now?.[key]);
}

function stdinLines(before: Run, after: Run, name: string): readonly string[] {
  return differingLines(text(step(before, name), "stdin"), text(step(after, name), "stdin"));
}

test("a raised checkId is in the texts of every step", async () => {
  const run = await runProgram({ config: clusterOf(3, { checkId: 1 }), earlier: earlierOutputs(founded) });
  const changes = changedSteps(again, run);
  const all = steps(again).map((one) => one.name);
  assert.deepEqual(stepNames(changes), all.sort());
  for (const name of all) assert.ok(changes[name]?.includes("update"), `${name} would not look again`);
});

test("founders are told all founders", async () => {
  const url = (index: number) => `node${index}=https://192.168.1.${100 + index}:2380`;
  const all = [1, 2, 3].map(url).join(",");
  for (const name of members) assertBootstrap(founded, name, "new", all);
});

function assertBootstrap(run: Run, name: string, state: string, initialCluster: string): void {
  for (const key of ["create", "update"]) {
    const words = text(step(run, name), key).split(" ");
    assert.ok(words.includes(`--initial-state=${state}`), `${name} is not ${state}`);
    assert.ok(words.includes(`--initial-cluster=${initialCluster}`), `${name} is told another cluster`);
  }
}

test("the token outlives a change of the CA's certificate, and differs between CAs", async () => {
  const token = (run: Run) => / --initial-token=(\S+)/.exec(text(step(run, "node1-member"), "create"))?.[1];
  const mocked = {
    "peer-ca-cert": { certPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
  };
  const rotated = await runProgram({ config: clusterOf(3), earlier: earlierOutputs(founded), mocked });
  assert.match(String(token(founded)), /^etcd-cluster-1-[0-9a-f]{8}$/);
  assert.equal(token(rotated), token(founded));
  assert.notEqual(token(await runProgram({ config: clusterOf(3), mocked })), token(founded));
});

test("a renewed leaf reaches its host and the cluster's steps, and restarts no member", async () => {
  const mocked = {
    "node2-server-cert": { certPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
  };
  const run = await runProgram({ config: clusterOf(3), earlier: earlierOutputs(founded), mocked });
  assert.deepEqual(changedSteps(again, run), {
    before: ["stdin"],
    health: ["stdin"],
    membership: ["stdin"],
    "node2-certificates": ["stdin"],
  });
});

test("another etcd version changes the binaries, the units and the cluster's steps, and no certificate", async () => {
  const run = await runProgram({
    config: clusterOf(3, { version: "3.6.16", sha256: { "3.6.16": { amd64: "a".repeat(64) } } }),
    earlier: earlierOutputs(founded),
  });
  const binaries = ["node1-binaries", "node2-binaries", "node3-binaries"];
  assert.deepEqual(
    stepNames(changedSteps(again, run)),
    [...cluster, ...binaries, ...hosts, ...members].sort(),
  );
  for (const name of hosts) assert.deepEqual(differingOptions(again, run, name), ["member"]);
  assert.deepEqual(stdinLines(again, run, "node1-member"), [
    "-ExecStart=/opt/etcd/3.6.14/etcd \\",
    "+ExecStart=/opt/etcd/3.6.16/etcd \\",
  ]);
});

test("before and every member are told the oldest release that its version may follow, and an exception by name", async () => {
  const told = (run: Run, option: string) =>
    Object.fromEntries(steps(run).map((one) => [one.name, optionsOf(text(one, "update"))[option]]));
  const only = (names: readonly string[], value: string) =>
    Object.fromEntries(steps(founded).map(({ name }) => [name, names.includes(name) ? value : undefined]));
  assert.deepEqual(told(founded, "upgrades-from"), only(["before", ...members], "3.5.32"));
  assert.deepEqual(told(founded, "allow"), only([], ""));
  const allow = ["two-node-restart", "downgrade"];
  const allowing = await runProgram({ config: clusterOf(3, { allow }), earlier: earlierOutputs(founded) });
  assert.deepEqual(told(allowing, "allow"), only([...cluster, ...members], "two-node-restart downgrade"));
});

test("a downgrade that is allowed is in the texts that do it, and the first minor has no release to come from", async () => {
  const words = ["downgrade", "version-below-security-floor"];
  const config = clusterOf(3, { version: "3.5.33", allow: words });
  const run = await runProgram({ config, earlier: earlierOutputs(founded) });
  assert.equal(run.failure, undefined);
  for (const name of ["before", ...members]) {
    const { version, allow, ...others } = optionsOf(text(step(run, name), "update"));
    assert.deepEqual({ version, allow }, { version: "3.5.33", allow: words.join(" ") }, name);
    assert.ok(!("upgrades-from" in others), name);
  }
});
