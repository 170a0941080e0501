import assert from "node:assert/strict";
import { test } from "node:test";
import { type Guards, makeGuarded } from "../../components/guards.ts";

test("what is made first gets the guards of what is made of it, and does not have to be told", async () => {
  const guards: Guards = new Map();
  const { hosts, cluster } = await makeGuarded(
    async (later) => ({ later }),
    ({ later }) => ({ guards, later }),
  );
  assert.equal(await hosts.later, guards);
  assert.equal(cluster.later, hosts.later);
});
