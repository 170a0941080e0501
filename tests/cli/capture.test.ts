import assert from "node:assert/strict";
import { test } from "node:test";
import { capture } from "../../lib/capture.ts";

test("what a command prints, reads and ends with", async () => {
  const { code, stdout, stderr } = await capture("sh", ["-c", "cat; echo no >&2; exit 7"], "yes\n");
  assert.deepEqual([code, stdout, stderr], [7, "yes\n", "no\n"]);
});

test("a command that reads none of its input ends as it ends", async () => {
  assert.equal((await capture("sh", ["-c", "exit 3"], "x".repeat(1 << 20))).code, 3);
});

test("a command that does not end is ended, and told from one that failed", async () => {
  const { code, stderr } = await capture("sleep", ["600"], "", 50);
  assert.deepEqual([code, stderr], [124, "no answer within 0.05 s\n"]);
});

test("a command that is not there is named", async () => {
  await assert.rejects(capture("no-such-command", []), /^Error: no-such-command cannot be run \(/);
});
