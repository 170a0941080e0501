import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "../program/harness.ts";
import { step, text } from "../program/queries.ts";
import { clusterOf } from "../program/stacks.ts";

const run = await runProgram({ config: clusterOf(3) });

test("a member is started once and rolled ever after, with the same options", () => {
  const member = step(run, "node1-member");
  const [, start, created] = /etcd-host (\S+)( .*)$/.exec(text(member, "create")) ?? [];
  const [, roll, updated] = /etcd-host (\S+)( .*)$/.exec(text(member, "update")) ?? [];
  assert.deepEqual([start, roll], ["start", "roll"]);
  assert.equal(created, updated);
  assert.match(text(member, "delete"), /etcd-host stop --name=node1 /);
});

test("the steps of the cluster only found it at first, and look at it ever after", () => {
  for (const name of ["before", "membership"]) {
    const { create, update } = step(run, name).inputs;
    assert.equal(create, `${update} --founding`);
  }
  const health = step(run, "health");
  assert.equal(health.inputs.update, health.inputs.create);
});

test("bootstrap settings are options of the step, and never flags of the unit", () => {
  const member = step(run, "node1-member");
  assert.match(text(member, "create"), / --initial-state=new .*--initial-token=/);
  assert.doesNotMatch(text(member, "stdin"), /initial-(cluster|advertise)/);
});

test("the article's flags are there, each once, booleans with their value", () => {
  const unit = text(step(run, "node1-member"), "stdin");
  const flags = [...unit.matchAll(/^ {2}--([a-z-]+)=(\S+)/gm)].map(
    ([, flag = "", value]) => [flag, value] as const,
  );
  assert.equal(new Set(flags.map(([flag]) => flag)).size, flags.length);
  const expected = {
    name: "node1",
    "data-dir": "/var/lib/etcd",
    "listen-client-urls": "https://192.168.1.101:2379,https://127.0.0.1:2379",
    "advertise-client-urls": "https://192.168.1.101:2379",
    "listen-peer-urls": "https://192.168.1.101:2380",
    "client-cert-auth": "true",
    "peer-client-cert-auth": "true",
    "trusted-ca-file": "/etc/etcd/pki/client-ca.crt",
    "peer-trusted-ca-file": "/etc/etcd/pki/peer-ca.crt",
  };
  const found = Object.fromEntries(flags);
  for (const [flag, value] of Object.entries(expected)) assert.equal(found[flag], value, flag);
});
