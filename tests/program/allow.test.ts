/** `allow`: a word is sent where it is read, and nowhere else. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "./harness.ts";
import { changedSteps, optionsOf, step, text } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const none = await runProgram({ config: clusterOf(3) });
const allowing = (...allow: readonly string[]) => runProgram({ config: { ...clusterOf(3), allow } });

test("the steps of members and cluster carry the words that they always did, in the order of the setting", async () => {
  const words = [
    "nospace-alarm",
    "version-below-security-floor",
    "downgrade",
    "two-node-restart",
    "expired-ca",
  ];
  const run = await allowing(...words);
  for (const name of ["node1-member", "node3-member", "before", "membership", "health"])
    for (const key of ["create", "update"])
      assert.equal(optionsOf(text(step(run, name), key)).allow, words.join(" "), `${name}: ${key}`);
  assert.equal(optionsOf(text(step(run, "node1-host"), "create")).allow, undefined);
});

test("a word that only the first step of a host reads runs no member's step again", async () => {
  const run = await allowing("foreign-etcd");
  const changed = changedSteps(none, run);
  for (const name of ["node1-host", "node2-host", "node3-host"])
    assert.deepEqual(changed[name], ["create", "update"], name);
  const others = Object.keys(changed).filter((name) => !name.endsWith("-host"));
  assert.deepEqual(others.sort(), ["before", "health", "membership"]);
  for (const name of others) assert.deepEqual(changed[name], ["stdin"], name);
  assert.equal(optionsOf(text(step(run, "node1-host"), "create")).allow, "foreign-etcd");
});

test("a word that only the program reads is sent nowhere, and runs nothing again", async () => {
  assert.deepEqual(changedSteps(none, await allowing("foreign-archive")), {});
});
