import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

test("stack traces are Node's own, whatever was to map them before", async () => {
  Error.prepareStackTrace = () => "mapped";
  assert.equal(new Error("before").stack, "mapped");
  await import("../../lib/plain-stacks.ts");
  assert.match(new Error("after").stack ?? "", /^Error: after\n +at .*plain-stacks\.test\.ts:9:/);
});

test("the program takes the maps out before it imports anything that makes outputs", async () => {
  const program = await readFile(new URL("../../index.ts", import.meta.url), "utf8");
  assert.match(program, /^import "\.\/lib\/plain-stacks\.ts";/);
});
