// The runner of the tests itself, as `npm test` starts it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { env, execPath } from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const runner = fileURLToPath(new URL("../run/main.ts", import.meta.url));

function round(...suites: string[]) {
  const { NODE_TEST_CONTEXT: _, ...outside } = env; // a run inside a test would report to it
  return spawnSync(execPath, [runner, ...suites], { encoding: "utf8", env: outside });
}

test("a round says what each file took, and ends with the slowest and the counts", () => {
  const { status, stdout } = round("lab");
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^tests\/lab\/stack\.test\.ts: \d+\.\d s$/m);
  assert.match(
    stdout,
    /\nslowest files:\n( +\d+\.\d s {2}tests\/lab\/\S+\n){2,10}\n[1-9]\d* passed, 0 failed\n$/,
  );
});

test("a suite that is none is refused in a sentence", () => {
  const { status, stderr } = round("lab", "labb");
  assert.equal(status, 2);
  assert.match(stderr, /^There is no suite labb; choose from fast, check, unit, .*\.\n$/);
});
