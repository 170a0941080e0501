// How long history stays, and the warning where all of it does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { config, read } from "./configuration.ts";

test("to keep all history is only warned of", () => {
  for (const [mode, retention] of [
    ["periodic", "0"],
    ["periodic", "0h0m"],
    ["revision", "0"],
  ]) {
    const { warnings } = read({ autoCompactionMode: mode, autoCompactionRetention: retention });
    assert.deepEqual(warnings, [
      `autoCompactionRetention: "${retention}" keeps all history: unless a client compacts, as a Kubernetes API server does, it fills the quota, and no write passes; see docs/sizing.md.`,
    ]);
  }
  assert.deepEqual(read({ autoCompactionRetention: "1h30m" }).warnings, []);
  assert.deepEqual(read({ autoCompactionRetention: "0 h" }).warnings, [], "what is wrong is no warning");
});

test("revision compaction has a retention of its own by default", () => {
  const values = { autoCompactionMode: "revision" };
  assert.equal(config(values).settings.autoCompactionRetention, "1000");
});
