/** Runs of the program with instances: founded, left alone, and with some or all of them replaced. */

import assert from "node:assert/strict";
import { awsClusterOf } from "./aws-stacks.ts";
import { type Registration, type Run, type RunOptions, runProgram } from "./harness.ts";
import { earlierOutputs, resource } from "./queries.ts";

export const names = ["node1", "node2", "node3"];
export const another = { ami: "ami-0fedcba0987654321" };

export async function succeed(options: RunOptions): Promise<Run> {
  const run = await runProgram(options);
  assert.equal(run.failure, undefined);
  return run;
}

/** Other machines than those that an earlier run got. */
export const otherIds = Object.fromEntries(
  names.map((node) => [`${node}-instance`, { id: `i-other-${node}` }]),
);

/** The cluster as proven, but with some machines that were made of something else. */
export function provenBut(...nodes: readonly string[]): Readonly<Record<string, unknown>> {
  const deployed = structuredClone(Object(earlierOutputs(founded).deployed));
  for (const node of nodes) deployed.nodes[node].machine = "0123456789abcdef";
  return { ...earlierOutputs(founded), deployed };
}

/** As a program before the exchange of host keys would have left it. */
const EARLIER = { node1: "8b3ef1e497f148d4", node2: "e4b3ce5927f27ce3", node3: "384f08a14c549172" };

/** The cluster as it was proven then. */
export function provenBefore(): Readonly<Record<string, unknown>> {
  const deployed = structuredClone(Object(earlierOutputs(founded).deployed));
  for (const [node, machine] of Object.entries(EARLIER)) deployed.nodes[node].machine = machine;
  return { ...earlierOutputs(founded), deployed };
}

// Before the first test of any file: those would run meanwhile, and there is one engine.
export const founded = await succeed({ config: awsClusterOf(3) });
export const settled = await succeed({ config: awsClusterOf(3), earlier: earlierOutputs(founded) });
export const rebuilt = await succeed({
  config: awsClusterOf(3, another),
  earlier: earlierOutputs(settled),
  mocked: otherIds,
});
export const oneRebuilt = await succeed({ config: awsClusterOf(3), earlier: provenBut("node2") });

export function instance(run: Run, node: string): Registration {
  return resource(run, "Instance", `${node}-instance`);
}

/** The steps that prepare a host. */
export function ownSteps(node: string): readonly string[] {
  return ["binaries", "certificates", "host"].map((role) => `${node}-${role}`);
}
