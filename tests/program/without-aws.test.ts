/** After npm ci --omit=optional, which leaves out the SDK of AWS. */

import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { awsClusterOf } from "./aws-stacks.ts";
import { runProgram } from "./harness.ts";
import { clusterOf } from "./stacks.ts";

registerHooks({
  resolve(name, context, next) {
    // Looked for where it is not, so that Node.js says what it says of a package that is not installed.
    const parent = name.startsWith("@pulumi/aws") ? { parentURL: "file:///nowhere/index.ts" } : {};
    return next(name, { ...context, ...parent });
  },
});

test("given machines need nothing of it", async () => {
  const { failure, resources } = await runProgram({ config: clusterOf(3) });
  assert.equal(failure, undefined);
  assert.ok(resources.some(({ name }) => name === "node3-member"));
});

test("target aws says in one sentence that it is missing, and what to run", async () => {
  const { failure, resources } = await runProgram({ config: awsClusterOf(3) });
  assert.ok(pulumi.RunError.isInstance(failure), String(failure));
  assert.equal(
    failure.message,
    "target aws needs the package @pulumi/aws, and it is not installed: run npm ci without --omit=optional, then try again.",
  );
  assert.deepEqual(
    resources.map(({ name }) => name),
    ["etcd-dev"],
  );
});
