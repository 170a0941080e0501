import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "./harness.ts";
import { changedSteps, earlierOutputs, output, resource, step, text, waitsFor } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const clients = [{ name: "app1", access: [{ prefix: "/app1/", may: "readwrite" }] }];
const plain = await runProgram({ config: clusterOf(3) });
const managed = await runProgram({ config: clusterOf(3, { rbac: true, clients }) });
const OPERATORS = ["node1-operator", "node2-operator", "node3-operator"];

test("the step behind the members is told of users where authentication is managed, and no other step", () => {
  const lines = text(step(managed, "membership"), "stdin").split("\n").slice(4);
  assert.deepEqual(lines, ["auth on", "user app1", "grant app1 readwrite prefix /app1/", ""]);
  for (const name of ["before", "health"])
    assert.doesNotMatch(text(step(managed, name), "stdin"), /^(auth|user|grant) /m, name);
  assert.doesNotMatch(text(step(plain, "membership"), "stdin"), /^(auth|user|grant) /m);
});

test("the program's own client certificates are root's where authentication is managed, on or off", async () => {
  const off = await runProgram({ config: clusterOf(3, { rbac: false }) });
  const names = (run: typeof plain) =>
    ["client", ...OPERATORS].map(
      (name) => Object(resource(run, "CertRequest", `${name}-csr`).inputs.subject).commonName,
    );
  assert.deepEqual(names(plain), ["etcd-client", ...OPERATORS]);
  assert.deepEqual(names(managed), ["root", "root", "root", "root"]);
  assert.deepEqual(names(off), ["root", "root", "root", "root"]);
});

test("of a bootstrap the proof waits for the users", () => {
  assert.ok(waitsFor(managed, "health").includes("membership"));
  assert.ok(!waitsFor(plain, "health").includes("membership"));
});

test("every host has its new certificate before authentication is switched on", async () => {
  const switching = await runProgram({
    config: clusterOf(3, { rbac: true, clients }),
    earlier: earlierOutputs(plain),
  });
  const before = (name: string): readonly string[] => [
    ...waitsFor(switching, name).flatMap((one) => [one, ...before(one)]),
  ];
  const all = new Set(before("membership"));
  for (const node of ["node1", "node2", "node3"]) assert.ok(all.has(`${node}-certificates`), node);
  const changed = changedSteps(
    await runProgram({ config: clusterOf(3), earlier: earlierOutputs(plain) }),
    switching,
  );
  assert.deepEqual(
    Object.keys(changed).filter((name) => name.endsWith("-member")),
    [],
    "nothing restarts",
  );
});

test("it is recorded with the proof, and refused to be left out", async () => {
  const deployed = Object(output(managed, "deployed"));
  assert.deepEqual(deployed.rbac, { auth: true, users: { app1: ["readwrite prefix /app1/"] } });
  const { failure } = await runProgram({ config: clusterOf(3), earlier: earlierOutputs(managed) });
  assert.match(
    String(failure),
    /rbac: authentication is on, and without this setting nobody would ever switch it off/,
  );
  const again = await runProgram({
    config: clusterOf(3, { rbac: true, clients }),
    earlier: earlierOutputs(managed),
  });
  assert.deepEqual(changedSteps(managed, again), {});
});
