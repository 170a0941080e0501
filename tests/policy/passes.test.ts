// On the real engine: the shipped program passes, and a stack that says `protect: false` is only told.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { hostKey, privateKey, threeNodes } from "../unit/configuration.ts";
import { pack, projectOf, shippedProject, violations } from "./pack.ts";

/** A stack like Pulumi.dev.yaml, with a bastion: its key and host keys are of no use, and not used in a preview. */
async function shipped(changes: Readonly<Record<string, unknown>>) {
  const bastion = { address: "192.0.2.1", user: "jump", hostKey: hostKey() };
  const project = await shippedProject({
    nodes: threeNodes.map((node) => ({ ...node, hostKey: hostKey() })),
    version: "3.6.14",
    ssh: { user: "root", privateKeyFile: "id_ed25519", bastion },
    ...changes,
  });
  await writeFile(path.join(project.folder, "id_ed25519"), privateKey, { mode: 0o600 });
  return project;
}

test("the shipped program passes without a word", async () => {
  const project = await shipped({});
  try {
    const text = await project.succeed("preview", "--policy-pack", "policy");
    assert.match(text, /Policies:\n +✅ etcd@/);
    assert.match(text, /\+ \d+ to create/);
  } finally {
    await project.remove();
  }
});

test("the lab's form of it is told that its authorities are not protected", async () => {
  const project = await shipped({ protect: false });
  try {
    const text = await project.succeed("preview", "--policy-pack", "policy");
    const unprotected = ["client-ca-cert", "client-ca-key", "peer-ca-cert", "peer-ca-key"];
    assert.deepEqual(
      violations(text),
      unprotected.map((name) => `advisory ca-protected ${name}`),
    );
  } finally {
    await project.remove();
  }
});

test("a stack that allows a version with known holes is only told of it", async () => {
  const project = await shipped({ version: "3.6.13", allow: ["version-below-security-floor"] });
  try {
    const text = await project.succeed("preview", "--policy-pack", "policy");
    assert.deepEqual(
      violations(text),
      threeNodes.map(({ name }) => `advisory pinned-versions ${name}-member`),
    );
  } finally {
    await project.remove();
  }
});

test("an even number of members that a lost node leaves, and an unprotected volume, are advice there", async () => {
  const project = await projectOf("advised.ts");
  try {
    await project.succeed("config", "set", "protect", "false");
    const text = await project.succeed("preview", "--policy-pack", pack);
    assert.deepEqual(violations(text), [
      "advisory ca-protected ca",
      "advisory ca-protected ca-key",
      "advisory delete-protection volume",
      "advisory odd-after-loss conformance-test",
    ]);
  } finally {
    await project.remove();
  }
});
