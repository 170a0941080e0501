import assert from "node:assert/strict";
import { test } from "node:test";
import { crash } from "./crash.ts";
import { runProgram } from "./harness.ts";
import { earlierOutputs } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

test("a member that fails stops the chain, and nothing later is touched", async () => {
  const config = clusterOf(3);
  const earlier = earlierOutputs(await runProgram({ config }));
  const { errors, events } = await crash({ config, earlier, fails: "node2-member" });
  assert.match(errors.join(), /node2-member fails/);
  assert.ok(events.includes("end node1-member"));
  assert.ok(events.includes("start node2-member"));
  for (const later of ["node3-member", "membership", "health"]) {
    assert.ok(!events.includes(`start ${later}`), `${later} runs after a failure`);
  }
});

test("a founder that fails does not keep the others from starting, but nothing is proven", async () => {
  const { errors, events } = await crash({ config: clusterOf(3), fails: "node2-member" });
  assert.match(errors.join(), /node2-member fails/);
  for (const name of ["node1-member", "node3-member"]) assert.ok(events.includes(`end ${name}`), name);
  for (const later of ["membership", "health"]) {
    assert.ok(!events.includes(`start ${later}`), `${later} runs after a failure`);
  }
});

test("a host that fails does not keep the others from being prepared, but no member starts", async () => {
  const { events } = await crash({ config: clusterOf(3), fails: "node2-host" });
  const ended = events.filter((event) => /^end node\d-(host|binaries|certificates)$/.test(event)).sort();
  const prepared = ["node1", "node3"].flatMap((node) =>
    ["binaries", "certificates", "host"].map((role) => `end ${node}-${role}`),
  );
  assert.deepEqual(ended, prepared);
  const later = events.filter((event) => /^start .*-member$/.test(event));
  assert.deepEqual(later, []);
});
