import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn } from "../e2e/sweep.ts";

const MOMENTS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

test("the same seed draws the same moments, in their order", () => {
  const taken = drawn("a roll", "f0a3076", MOMENTS, 3);
  assert.equal(taken.length, 3);
  assert.deepEqual(drawn("a roll", "f0a3076", MOMENTS, 3), taken);
  assert.deepEqual([...taken].sort(), taken);
});

test("over many seeds every moment comes up, and none much more often than the others", () => {
  const times = new Map(MOMENTS.map((moment) => [moment, 0]));
  for (let seed = 0; seed < 1000; seed++)
    for (const moment of drawn("a roll", String(seed), MOMENTS, 3))
      times.set(moment, (times.get(moment) ?? 0) + 1);
  for (const [moment, count] of times) assert.ok(count > 200 && count < 400, `${moment}: ${count} of 1000`);
});

test("sweeps of one run draw apart from each other", () => {
  const draws = Array.from({ length: 20 }, (_, index) =>
    drawn(`sweep ${index}`, "f0a3076", MOMENTS, 3).join(),
  );
  assert.ok(new Set(draws).size > 10, draws.join(" "));
});

test("of fewer moments than are wanted all are taken", () => {
  assert.deepEqual(drawn("a roll", "f0a3076", ["a", "b"], 3), ["a", "b"]);
});
