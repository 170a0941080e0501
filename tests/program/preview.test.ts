import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "./harness.ts";
import { daysLater, FIRST_DAY, pem } from "./providers.ts";
import { carried, earlierOutputs, optionsOf, step, steps, text } from "./queries.ts";
import { clusterOf } from "./stacks.ts";

const up = await runProgram({ config: clusterOf(3) });
const preview = await runProgram({ config: clusterOf(3), preview: true });

test("a preview of a new stack, where no certificate is known yet, shows every resource of the up", () => {
  assert.equal(preview.failure, undefined);
  const urns = (run: typeof up) => run.resources.map((one) => one.urn).sort();
  assert.deepEqual(urns(preview), urns(up));
});

test("a preview shows all that is plain: the units, and every text that no certificate is part of", () => {
  for (const node of ["node1", "node2", "node3"]) {
    const unit = text(step(up, `${node}-member`), "stdin");
    assert.equal(text(step(preview, `${node}-member`), "stdin"), unit);
    for (const role of ["binaries", "certificates"]) {
      const name = `${node}-${role}`;
      assert.equal(text(step(preview, name), "update"), text(step(up, name), "update"), name);
    }
  }
  // The proof's text changes with the check before it, so that it always follows it.
  for (const name of ["before", "membership"]) {
    assert.equal(text(step(preview, name), "update"), text(step(up, name), "update"), name);
  }
});

test("a preview's order is that of the up", () => {
  for (const { name, dependencies } of steps(up)) {
    assert.deepEqual([...step(preview, name).dependencies].sort(), [...dependencies].sort(), name);
  }
});

test("a preview on a proven stack, whose authorities are known, plans from what was proven", async () => {
  const authorities = ["client-ca-cert", "peer-ca-cert"].map((name) => {
    const dates = { validityStartTime: FIRST_DAY, validityEndTime: daysLater(1825) };
    return [name, { certPem: pem("CERTIFICATE", name), ...dates }] as const;
  });
  const grown = await runProgram({
    config: clusterOf(5),
    earlier: earlierOutputs(up),
    mocked: Object.fromEntries(authorities),
    preview: true,
  });
  assert.equal(grown.failure, undefined);
  const state = (name: string) => optionsOf(text(step(grown, name), "create"))["initial-state"];
  assert.deepEqual([state("node1-member"), state("node4-member")], ["new", "existing"]);
  for (const node of ["node1", "node2", "node3"]) {
    for (const role of ["host", "member"]) {
      const name = `${node}-${role}`;
      assert.deepEqual(carried(step(grown, name)), carried(step(up, name)), name);
    }
  }
});
