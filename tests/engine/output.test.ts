// What a command prints, as the stand-in for the official `command` plugin passes it on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { recordOutput } from "../../lab/engine/output.ts";

/** What a command that ended comes to, or "pending". */
async function outcome(text: string, logging?: string) {
  const logged: string[] = [];
  const recorded = recordOutput(
    "x",
    logging,
    (_, line) => void logged.push(line),
    async ({ stderr }) => {
      stderr(Buffer.from(text));
    },
  );
  const result = await Promise.race([recorded, nextTurn("pending")]);
  return { result, logged };
}

test("a line of 64 KiB on a logged stream is never got over, whether it ends or not", async () => {
  for (const text of [`one\n${"x".repeat(64 * 1024)}\nlast\n`, `one\n${"x".repeat(64 * 1024)}`])
    assert.deepEqual(await outcome(text, "stderr"), { result: "pending", logged: ["one"] });
});

test("a line that is one byte shorter is logged, and one that is not logged may be of any length", async () => {
  const line = "x".repeat(64 * 1024 - 1);
  assert.deepEqual(await outcome(`${line}\n`, "stderr"), {
    result: { stdout: "", stderr: line },
    logged: [line],
  });
  const long = "x".repeat(200_000);
  assert.deepEqual(await outcome(long, "stdout"), { result: { stdout: "", stderr: long }, logged: [] });
});
