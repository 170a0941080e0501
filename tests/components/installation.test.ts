import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { releases } from "../../etcd/releases.ts";
import { runProgram } from "../program/harness.ts";
import { pem } from "../program/providers.ts";
import { optionsOf, resource, step, text } from "../program/queries.ts";
import { clusterOf } from "../program/stacks.ts";

const run = await runProgram({ config: clusterOf(3) });

test("a member is told the digest of the CA bundles that its host gets, as the host computes it", () => {
  const files = text(step(run, "node2-certificates"), "stdin").split(/^== (.*)\n/m);
  const contents = (file: string) => files[files.indexOf(file) + 1] ?? "";
  const bundles = contents("client-ca.crt") + contents("peer-ca.crt");
  assert.match(bundles, /^(-----BEGIN CERTIFICATE-----\n\S+\n-----END CERTIFICATE-----\n){2}$/);
  const digest = createHash("sha256").update(bundles).digest("hex").slice(0, 16);
  assert.equal(optionsOf(text(step(run, "node2-member"), "create")).bundles, digest);
});

test("servers, operators and the administrator have certificates of the client CA, peers of the peer CA", () => {
  const leafCertificates = {
    "node1-server": ["client-ca", "server_auth"],
    "node1-peer": ["peer-ca", "server_auth"],
    "node1-operator": ["client-ca"],
    client: ["client-ca"],
  };
  for (const [name, [authority, ...serving]] of Object.entries(leafCertificates)) {
    const { inputs } = resource(run, "LocallySignedCert", `${name}-cert`);
    assert.equal(inputs.caCertPem, pem("CERTIFICATE", `${authority}-cert`), name);
    assert.equal(inputs.caPrivateKeyPem, pem("EC PRIVATE KEY", `${authority}-key`), name);
    const uses = ["digital_signature", "key_encipherment", ...serving, "client_auth"];
    assert.deepEqual(inputs.allowedUses, uses, name);
  }
});

test("the host checks its certificates against its own address", () => {
  assert.equal(optionsOf(text(step(run, "node2-certificates"), "create")).address, "192.168.1.102");
});

test("the binaries are those of the release, with both architectures' digests", () => {
  const { version, mirror, proxy, ...options } = optionsOf(text(step(run, "node1-binaries"), "create"));
  assert.equal(version, "3.6.14");
  assert.equal(mirror, "https://github.com/etcd-io/etcd/releases/download");
  assert.equal(proxy, undefined, "an empty setting is no option");
  assert.equal(options["sha256-amd64"], releases["3.6.14"]?.amd64);
  assert.equal(options["sha256-arm64"], releases["3.6.14"]?.arm64);
});

test("a mirror, a proxy and a digest of one's own are handed on", async () => {
  const sha256 = { "3.6.14": { amd64: "a".repeat(64) } };
  const config = clusterOf(1, {
    mirror: "http://192.168.1.1/etcd/",
    proxy: "http://proxy:3128",
    sha256,
    allow: ["foreign-archive"],
  });
  const own = await runProgram({ config });
  const options = optionsOf(text(step(own, "node1-binaries"), "update"));
  assert.equal(options.mirror, "http://192.168.1.1/etcd");
  assert.equal(options.proxy, "http://proxy:3128");
  assert.equal(options["sha256-amd64"], "a".repeat(64));
});

test("every delete names the host, its incarnation and the very resource that its step ran for", () => {
  for (const role of ["host", "binaries", "certificates", "member"]) {
    const { parent, inputs } = step(run, `node3-${role}`);
    const [undo, redo] = [optionsOf(String(inputs.delete)), optionsOf(String(inputs.create))];
    const expected = { name: "node3", incarnation: "1", owner: parent };
    for (const { name, incarnation, owner } of [undo, redo]) {
      assert.deepEqual({ name, incarnation, owner }, expected, role);
    }
    const guard = role === "host" ? "test ! -x" : "! test -x"; // csh knows no other, and old stacks have the other
    assert.ok(String(inputs.delete).startsWith(`${guard} /usr/local/sbin/etcd-host || `), role);
  }
});

test("a host has no other deletes than its own steps', so that a cluster step's end undoes nothing", () => {
  for (const name of ["before", "membership", "health"]) {
    assert.equal(step(run, name).inputs.delete, undefined);
  }
});
