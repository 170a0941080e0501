// The violations of a policy pack, read from what a preview prints for people.
import assert from "node:assert/strict";
import { test } from "node:test";
import { violations } from "../../cli/plan/policy.ts";

const PREVIEW = `Previewing update (dev):
 +  pulumi:pulumi:Stack etcd-dev create

Policies:
    ❌ etcd@v0.1.0 (local: policy)
        - [mandatory]  no-triggers  (command:remote:Command: node1-host)
          triggers replace the step.
          Put what must run again into its text.
        - [advisory]  ca-protected  (tls:index/privateKey:PrivateKey: client-ca-key)
          The CA's key is not protected.
        - [mandatory]  no-triggers  (command:remote:Command: node2-host)
          triggers replace the step.
          Put what must run again into its text.
        - [mandatory]  odd-member-count  (pulumi:pulumi:Stack: etcd-dev)
          Two members bear no failure.

Resources:
    + 1 to create
`;

test("mandatory violations, one sentence for all resources that share it", () => {
  assert.deepEqual(violations(PREVIEW), [
    "no-triggers: triggers replace the step. Put what must run again into its text. (node1-host, node2-host)",
    "odd-member-count: Two members bear no failure. (etcd-dev)",
  ]);
});

test("a preview without violations has none", () => {
  const advised = PREVIEW.replaceAll("[mandatory]", "[advisory]");
  for (const text of [advised, PREVIEW.replace("Policies:", "Outputs:"), ""])
    assert.deepEqual(violations(text), []);
});
