// On the real engine: the shipped program passes, and a stack that says `protect: false` is only told.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { securityFloors } from "../../etcd/releases.ts";
import { awsClusterOf, publicSubnets } from "../program/aws-stacks.ts";
import { hostKey, privateKey, threeNodes } from "../unit/configuration.ts";
import { pack, projectOf, shippedProject, violations } from "./pack.ts";

const FIXED = securityFloors["3.6"];
const sha256 = { [FIXED]: { amd64: "ab".repeat(32) } };

/** Its key and host keys are of no use, and not used in a preview. */
const login = {
  privateKeyFile: "id_ed25519",
  bastion: { address: "192.0.2.1", user: "jump", hostKey: hostKey() },
};

async function withLogin(config: Readonly<Record<string, unknown>>) {
  const project = await shippedProject(config);
  await writeFile(path.join(project.folder, "id_ed25519"), privateKey, { mode: 0o600 });
  return project;
}

/** A stack like Pulumi.dev.yaml, with a bastion. */
function shipped(changes: Readonly<Record<string, unknown>>) {
  return withLogin({
    nodes: threeNodes.map((node) => ({ ...node, hostKey: hostKey() })),
    version: FIXED,
    sha256,
    ssh: { user: "root", ...login },
    ...changes,
  });
}

/** A stack of target aws, with all that it can have. */
function shippedOnAws(changes: Readonly<Record<string, unknown>>) {
  const aws = {
    vpc: { cidr: "10.20.0.0/16", nat: "per-zone", publicSubnets: publicSubnets(3), endpoints: ["s3", "ssm"] },
    access: { clients: ["10.20.0.0/16"], ssh: ["10.9.0.0/24"], metrics: ["10.5.0.0/24"] },
    clientName: "etcd.example.internal",
    hostedZoneId: "Z0123456789ABC",
    loadBalancer: true,
    sessionManager: true,
  };
  const others = {
    ssh: { user: "admin", ...login },
    version: FIXED,
    sha256,
    metricsUrl: "http://0.0.0.0:2381",
    ...changes,
  };
  const { sshPrivateKey: _, ...config } = awsClusterOf(3, aws, others);
  return withLogin(config);
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

test("the lab's form of it, with a version with known holes, is told of both", async () => {
  const project = await shipped({ protect: false, version: "3.6.14" });
  try {
    const text = await project.succeed("preview", "--policy-pack", "policy");
    const unprotected = ["client-ca-cert", "client-ca-key", "peer-ca-cert", "peer-ca-key"];
    assert.deepEqual(violations(text), [
      ...unprotected.map((name) => `advisory ca-protected ${name}`),
      ...threeNodes.map(({ name }) => `advisory version-floor ${name}-member`),
    ]);
  } finally {
    await project.remove();
  }
});

test("the shipped program passes on EC2 too, with all that it can make there", async () => {
  const project = await shippedOnAws({});
  try {
    const text = await project.succeed("preview", "--policy-pack", "policy");
    assert.match(text, /Policies:\n +✅ etcd@/);
    assert.match(text, /aws:lb:LoadBalancer/);
    assert.deepEqual(violations(text), []);
  } finally {
    await project.remove();
  }
});

test("without protect it is told there that machines and volumes could be deleted, too", async () => {
  const project = await shippedOnAws({ protect: false });
  try {
    const text = await project.succeed("preview", "--policy-pack", "policy");
    const authorities = ["client-ca-cert", "client-ca-key", "peer-ca-cert", "peer-ca-key"];
    const parts = ["node1", "node2", "node3"].flatMap((node) => [`${node}-data`, `${node}-instance`]);
    assert.deepEqual(violations(text), [
      ...authorities.map((name) => `advisory ca-protected ${name}`),
      ...parts.map((name) => `advisory delete-protection ${name}`),
    ]);
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
