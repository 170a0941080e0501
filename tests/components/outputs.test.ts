/** What components register: what they expose and can be shown, for who reads the state. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { awsClusterOf } from "../program/aws-stacks.ts";
import { type Run, runProgram } from "../program/harness.ts";
import { pem } from "../program/providers.ts";
import { clusterOf } from "../program/stacks.ts";

const given = await runProgram({ config: clusterOf(3) });
const named = { clientName: "etcd.example.internal", hostedZoneId: "Z0123456789ABC" };
const made = await runProgram({
  config: awsClusterOf(3, { ...named, loadBalancer: true, sessionManager: true }),
});

/** Keys of the outputs of each type of component. */
function outputsByType({ resources, registeredOutputs }: Run): Readonly<Record<string, string>> {
  const components = resources.filter(({ custom, type }) => !custom && type.startsWith("etcd:"));
  const keys = components.map(({ type, urn }) => [
    type,
    Object.keys(registeredOutputs.get(urn) ?? {})
      .sort()
      .join(" "),
  ]);
  return Object.fromEntries(keys);
}

const onEveryTarget = {
  "etcd:pki:CertificateAuthority": "certPem expires notBefore",
  "etcd:pki:Certificate": "certPem expires",
  "etcd:cluster:Installation": "bundlesDigest expires",
  "etcd:cluster:Member": "digest",
  "etcd:cluster:Cluster": "allow certificatesExpire endpoints",
  "etcd:cluster:HealthCheck": "clusterId deployed health members version",
};

test("each component registers what it exposes", () => {
  assert.deepEqual(outputsByType(given), {
    ...onEveryTarget,
    "etcd:host:SshHost": "address hostKey port",
  });
  assert.deepEqual(outputsByType(made), {
    ...onEveryTarget,
    "etcd:host:Ec2Host": "address hostKey instanceId",
    "etcd:aws:Network": "vpcId",
    "etcd:aws:Access": "groupId",
    "etcd:aws:Balancer": "dnsName groupId zoneId",
    "etcd:aws:SessionManager": "profileName",
  });
});

test("no component registers a private key, not even as a secret", () => {
  const PRIVATE = /PRIVATE KEY/;
  assert.match(pem("PRIVATE KEY", "client-key"), PRIVATE);
  for (const { resources, registeredOutputs } of [given, made]) {
    const components = resources.filter(({ type }) => type.startsWith("etcd:"));
    assert.ok(components.length > 20);
    for (const { urn } of components) {
      assert.doesNotMatch(JSON.stringify(registeredOutputs.get(urn)), PRIVATE, urn);
    }
  }
});
