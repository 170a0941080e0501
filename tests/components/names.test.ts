/** Names of what a cluster of another name than `etcd` registers: so that one stack could hold both. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import { EtcdCluster } from "../../components/cluster.ts";
import { SshHost } from "../../components/ssh-host.ts";
import { assertNamesUnique } from "../program/golden.ts";
import { runMocked } from "../program/harness.ts";
import { config } from "../unit/configuration.ts";
import { nodes, plan } from "../unit/deployment.ts";

function makeCluster(name: string, prefix: string) {
  const all = config({ nodes: nodes(3) });
  const { release, dataDir, settings, certificates, clients, rolloutOrder, allow, checkId, ssh } = all;
  const ca = {
    commonName: "ca",
    algorithm: certificates.algorithm,
    validityDays: 1825,
    renewBeforeDays: 0,
    protect: false,
  };
  const authorities = {
    client: new CertificateAuthority(`${prefix}client-ca`, ca),
    peer: new CertificateAuthority(`${prefix}peer-ca`, ca),
  };
  const { quotaBackendBytes, metricsUrl, service } = settings;
  const token = `${name}-0a1b2c3d`;
  const host = {
    ssh,
    token,
    dataDir,
    quotaBackendBytes,
    metricsUrl,
    allow,
    service,
    checkId,
    notBefore: authorities.peer.notBefore,
  };
  const hosts = all.nodes.map((node) => new SshHost(`${prefix}${node.name}`, { ...host, node }));
  const shared = { release, dataDir, settings, certificates, clients, rolloutOrder, allow, checkId };
  new EtcdCluster(name, { ...shared, topology: plan(nodes(3)), hosts, authorities, token });
}

const run = await runMocked({}, () => {
  makeCluster("etcd", "");
  makeCluster("blue", "blue-");
  return {};
});

test("clusters of two names have no name in common, and the usual one has no prefix", () => {
  assertNamesUnique(run);
  const names = run.resources.filter(({ type }) => type !== "pulumi:pulumi:Stack").map(({ name }) => name);
  const blue = names.filter((name) => name.startsWith("blue"));
  assert.equal(blue.length * 2, names.length);
  const usual = names.filter((name) => !name.startsWith("blue"));
  const renamed = usual.map((name) => (name === "etcd" ? "blue" : `blue-${name}`));
  assert.deepEqual(blue.toSorted(), renamed.toSorted());
});
