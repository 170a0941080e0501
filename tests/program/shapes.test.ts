import assert from "node:assert/strict";
import { test } from "node:test";
import { type Run, runProgram } from "./harness.ts";
import { output, resource, step, steps, text } from "./queries.ts";
import { clusterOf, nodes } from "./stacks.ts";

for (const count of [1, 3, 5, 7]) {
  test(`${count} nodes make ${count} members, chained`, async () => {
    const run = await runProgram({ config: clusterOf(count) });
    assert.equal(run.failure, undefined);
    assert.equal(steps(run).length, 3 + 4 * count);
    const begun = run.events.filter((event) => /^start .*-member$/.test(event));
    assert.deepEqual(
      begun,
      nodes(count).map(({ name }) => `start ${name}-member`),
    );
    assert.equal(Object.keys(Object(output(run, "certificatesExpire"))).length, 3 + 3 * count);
  });
}

/** Names a node's certificates are good for. */
function altNames(run: Run, role: string): unknown {
  const { dnsNames, ipAddresses } = resource(run, "CertRequest", `node1-${role}-csr`).inputs;
  return { dnsNames, ipAddresses };
}

async function withAddress(address: string): Promise<Run> {
  return runProgram({ config: clusterOf(1, { nodes: [{ ...nodes(1)[0], address }] }) });
}

test("a node at an IPv6 address has it in brackets in URLs, and plain in its certificates and for ssh", async () => {
  const run = await withAddress("fd00::1");
  assert.deepEqual(output(run, "endpoints"), ["https://[fd00::1]:2379"]);
  const unit = text(step(run, "node1-member"), "stdin");
  assert.match(unit, /^ {2}--listen-peer-urls=https:\/\/\[fd00::1\]:2380 \\$/m);
  assert.match(
    text(step(run, "node1-member"), "create"),
    / '?--initial-cluster='?node1=https:\/\/\[fd00::1\]:2380/,
  );
  assert.equal({ ...Object(step(run, "node1-host").inputs.connection) }.host, "fd00::1");
  for (const role of ["server", "peer"]) {
    const expected = { dnsNames: ["localhost", "node1"], ipAddresses: ["127.0.0.1", "fd00::1"] };
    assert.deepEqual(altNames(run, role), expected);
  }
});

test("a node known by a DNS name listens on all addresses and has the name in its certificates", async () => {
  const run = await withAddress("etcd1.example.org");
  assert.deepEqual(output(run, "endpoints"), ["https://etcd1.example.org:2379"]);
  const unit = text(step(run, "node1-member"), "stdin");
  assert.match(unit, /^ {2}--listen-client-urls=https:\/\/0\.0\.0\.0:2379 \\$/m);
  assert.match(unit, /^ {2}--advertise-client-urls=https:\/\/etcd1\.example\.org:2379 \\$/m);
  for (const role of ["server", "peer"]) {
    const dnsNames = ["etcd1.example.org", "localhost", "node1"];
    assert.deepEqual(altNames(run, role), { dnsNames, ipAddresses: ["127.0.0.1"] });
  }
});

test("names of the whole cluster are in the certificates that clients check, and in no other", async () => {
  const run = await runProgram({ config: clusterOf(1, { names: ["etcd.example.com", "10.9.0.10"] }) });
  const { ipAddresses } = Object(altNames(run, "peer"));
  assert.deepEqual(altNames(run, "server"), {
    dnsNames: ["etcd.example.com", "localhost", "node1"],
    ipAddresses: ["10.9.0.10", ...ipAddresses],
  });
  assert.deepEqual(Object(altNames(run, "peer")).dnsNames, ["localhost", "node1"]);
  assert.deepEqual(altNames(run, "operator"), { dnsNames: [], ipAddresses: [] });
});

test("an operator's and the administrator's certificates are for no host", async () => {
  const run = await runProgram({ config: clusterOf(1) });
  assert.deepEqual(altNames(run, "operator"), { dnsNames: [], ipAddresses: [] });
  const { dnsNames, ipAddresses } = resource(run, "CertRequest", "client-csr").inputs;
  assert.deepEqual({ dnsNames, ipAddresses }, { dnsNames: [], ipAddresses: [] });
});

test("RSA keys by choice: all of them", async () => {
  const run = await runProgram({ config: clusterOf(3, { keyAlgorithm: "RSA-4096" }) });
  const keys = run.resources.filter((one) => one.type.endsWith(":PrivateKey"));
  assert.equal(keys.length, 12);
  for (const { name, inputs } of keys) assert.deepEqual(inputs, { algorithm: "RSA", rsaBits: 4096 }, name);
});

function protectedOnes(run: Run): readonly string[] {
  assert.ok(run.resources.length > 0);
  return run.resources
    .filter((one) => one.request.getProtect() === true)
    .map((one) => one.name)
    .sort();
}

test("keys and certificates of the CAs are protected unless that is turned off; nothing else ever is", async () => {
  const cas = ["client-ca-cert", "client-ca-key", "peer-ca-cert", "peer-ca-key"];
  assert.deepEqual(protectedOnes(await runProgram({ config: clusterOf(1) })), cas);
  assert.deepEqual(protectedOnes(await runProgram({ config: clusterOf(1, { protect: false }) })), []);
});
