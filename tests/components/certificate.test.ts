import assert from "node:assert/strict";
import { test } from "node:test";
import { Certificate, type CertificateArgs } from "../../components/certificate.ts";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import { type Run, type RunOptions, runMocked } from "../program/harness.ts";
import { daysLater, pem } from "../program/providers.ts";
import { resource } from "../program/queries.ts";

const settings = {
  algorithm: "ECDSA-P256",
  caValidityDays: 1825,
  caRenewBeforeDays: 0,
  leafValidityDays: 365,
  renewBeforeDays: 60,
} as const;

/** A leaf of the CA `ca`, beside another CA. */
function issue(args: Partial<CertificateArgs>, options: RunOptions = {}): Promise<Run> {
  return runMocked(options, () => {
    const ca = { algorithm: "ECDSA-P256", validityDays: 1825, renewBeforeDays: 0, protect: false } as const;
    const authority = new CertificateAuthority("ca", { ...ca, commonName: "ca" });
    new CertificateAuthority("other-ca", { ...ca, commonName: "other" });
    const leaf = new Certificate("leaf", {
      authority,
      commonName: "node1",
      usage: "server",
      settings,
      ...args,
    });
    return { certPem: leaf.certPem, privateKeyPem: leaf.privateKeyPem, expires: leaf.expires };
  });
}

test("an etcd server's certificate is a client's too: it dials itself and its peers with it", async () => {
  const { inputs } = resource(await issue({ usage: "server" }), "LocallySignedCert", "leaf-cert");
  const uses = ["digital_signature", "key_encipherment", "server_auth", "client_auth"];
  assert.deepEqual(inputs.allowedUses, uses);
});

test("a client's certificate cannot serve, and no leaf can sign", async () => {
  const { inputs } = resource(await issue({ usage: "client" }), "LocallySignedCert", "leaf-cert");
  assert.deepEqual(inputs.allowedUses, ["digital_signature", "key_encipherment", "client_auth"]);
  assert.notEqual(inputs.isCaCertificate, true);
});

test("it lives for its days and renews within its window", async () => {
  const run = await issue({});
  const { inputs } = resource(run, "LocallySignedCert", "leaf-cert");
  assert.equal(inputs.validityPeriodHours, 365 * 24);
  assert.equal(inputs.earlyRenewalHours, 60 * 24);
  assert.deepEqual(run.outputs.expires, { value: daysLater(365), secret: false });
});

test("one that outlives its CA is issued all the same, and is said to end with it", async () => {
  const run = await issue({}, { mocked: { "ca-cert": { validityEndTime: daysLater(100) } } });
  assert.deepEqual(run.outputs.expires, { value: daysLater(100), secret: false });
  assert.deepEqual(run.outputs.certPem, { value: pem("CERTIFICATE", "leaf-cert"), secret: false });
});

test("it is signed by its own authority, for a key of its own in PKCS#8", async () => {
  const run = await issue({});
  const { inputs, secretInputs } = resource(run, "LocallySignedCert", "leaf-cert");
  assert.equal(inputs.caCertPem, pem("CERTIFICATE", "ca-cert"));
  assert.equal(inputs.caPrivateKeyPem, pem("EC PRIVATE KEY", "ca-key"));
  assert.equal(inputs.certRequestPem, pem("CERTIFICATE REQUEST", "leaf-csr"));
  assert.deepEqual(secretInputs, ["caPrivateKeyPem"]);
  const request = resource(run, "CertRequest", "leaf-csr");
  assert.equal(request.inputs.privateKeyPem, pem("EC PRIVATE KEY", "leaf-key"));
  assert.deepEqual(request.secretInputs, ["privateKeyPem"]);
  assert.deepEqual(run.outputs.privateKeyPem, { value: pem("PRIVATE KEY", "leaf-key"), secret: true });
});

test("the names it is good for are the ones given, in their order", async () => {
  const names = { dnsNames: ["localhost", "node1"], ipAddresses: ["127.0.0.1", "192.168.1.101"] };
  const { inputs } = resource(await issue(names), "CertRequest", "leaf-csr");
  assert.deepEqual(inputs.dnsNames, names.dnsNames);
  assert.deepEqual(inputs.ipAddresses, names.ipAddresses);
  assert.deepEqual(inputs.subject, { commonName: "node1" });
});

test("it may end with its CA, to the second", async () => {
  const run = await issue({}, { mocked: { "ca-cert": { validityEndTime: daysLater(365) } } });
  assert.deepEqual(run.outputs.certPem, { value: pem("CERTIFICATE", "leaf-cert"), secret: false });
});
