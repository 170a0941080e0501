// The violations of a policy pack, read from the engine's events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { violationsIn } from "../../cli/plan/policy.ts";

const URN = "urn:pulumi:dev::etcd::etcd:cluster:Cluster$command:remote:Command";

function policyEvent(enforcementLevel: string, policyName: string, resource: string, ...lines: string[]) {
  const resourceUrn = resource.includes("::") ? resource : `${URN}::${resource}`;
  return { policyEvent: { enforcementLevel, policyName, resourceUrn, message: `${lines.join("\n")}\n` } };
}

const triggers = ["triggers replace the step.", "Put what must run again into its text."];
const events = [
  { preludeEvent: { config: { "etcd:version": "3.6.14" } } },
  policyEvent("mandatory", "no-triggers", "node2-host", ...triggers),
  policyEvent("advisory", "ca-protected", "client-ca-key", "The CA's key is not protected."),
  policyEvent(
    "mandatory",
    "odd-member-count",
    "urn:pulumi:dev::etcd::pulumi:pulumi:Stack::etcd-dev",
    "Two members bear no failure.",
  ),
  { resourcePreEvent: { metadata: { new: { inputs: { stdin: '{"policyEvent":"in a text"}' } } } } },
  policyEvent("mandatory", "no-triggers", "node1-host", ...triggers),
  policyEvent("mandatory", "no-triggers", "node1-host", ...triggers), // the same on a second property
  { cancelEvent: {} },
];

function log(all: readonly object[]): string {
  return all.map((event, sequence) => `${JSON.stringify({ sequence, ...event })}\n`).join("");
}

const found = {
  mandatory: [
    "no-triggers: triggers replace the step. Put what must run again into its text. (node1-host, node2-host)",
    "odd-member-count: Two members bear no failure. (etcd-dev)",
  ],
  advisory: ["ca-protected: The CA's key is not protected. (client-ca-key)"],
};

test("violations, one sentence for all resources that share it", () => {
  assert.deepEqual(violationsIn(log(events)), found);
});

test("the order in which the engine's steps end makes no other plan", () => {
  assert.deepEqual(violationsIn(log(events.toReversed())), found);
});

test("a preview without violations has none", () => {
  for (const all of [[], events.filter((event) => !("policyEvent" in event))])
    assert.deepEqual(violationsIn(log(all)), { mandatory: [], advisory: [] });
});
