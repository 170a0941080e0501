import assert from "node:assert/strict";
import { test } from "node:test";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import { runMocked } from "../program/harness.ts";
import { daysLater, FIRST_DAY, pem } from "../program/providers.ts";
import { resource } from "../program/queries.ts";

const args = {
  commonName: "etcd-peer-ca",
  algorithm: "ECDSA-P256",
  validityDays: 1825,
  renewBeforeDays: 0,
  protect: true,
} as const;

const run = await runMocked({}, () => {
  const { certPem, privateKeyPem, notBefore, expires } = new CertificateAuthority("peer-ca", args);
  return { certPem, privateKeyPem, notBefore, expires };
});

test("a CA signs certificates and revocation lists, and nothing else", () => {
  const { inputs } = resource(run, "SelfSignedCert", "peer-ca-cert");
  assert.equal(inputs.isCaCertificate, true);
  assert.deepEqual(inputs.allowedUses, ["cert_signing", "crl_signing"]);
  assert.deepEqual(inputs.subject, { commonName: "etcd-peer-ca" });
  assert.equal(inputs.setSubjectKeyId, true);
});

test("a CA lives for its days and is not renewed unasked, since that restarts the members", () => {
  const { inputs } = resource(run, "SelfSignedCert", "peer-ca-cert");
  assert.equal(inputs.validityPeriodHours, 1825 * 24);
  assert.equal(inputs.earlyRenewalHours, 0);
  assert.deepEqual(run.outputs.notBefore, { value: FIRST_DAY, secret: false });
  assert.deepEqual(run.outputs.expires, { value: daysLater(1825), secret: false });
});

test("its certificate is public and signed with its own key, which is secret", () => {
  const { inputs, secretInputs } = resource(run, "SelfSignedCert", "peer-ca-cert");
  assert.equal(inputs.privateKeyPem, pem("EC PRIVATE KEY", "peer-ca-key"));
  assert.deepEqual(secretInputs, ["privateKeyPem"]);
  assert.deepEqual(run.outputs.privateKeyPem, { value: pem("EC PRIVATE KEY", "peer-ca-key"), secret: true });
  assert.deepEqual(run.outputs.certPem, { value: pem("CERTIFICATE", "peer-ca-cert"), secret: false });
});

test("a CA that may be renewed protects its key alone: a certificate over a kept key loses nothing", async () => {
  const renewed = await runMocked({}, () => ({
    ca: new CertificateAuthority("peer-ca", { ...args, renewBeforeDays: 730 }).certPem,
  }));
  const { inputs } = resource(renewed, "SelfSignedCert", "peer-ca-cert");
  assert.equal(inputs.earlyRenewalHours, 730 * 24);
  const isProtected = (made: typeof run) => [
    resource(made, "PrivateKey", "peer-ca-key").request.getProtect(),
    resource(made, "SelfSignedCert", "peer-ca-cert").request.getProtect(),
  ];
  assert.deepEqual(isProtected(run), [true, true]);
  assert.deepEqual(isProtected(renewed), [true, false]);
  const ended = await runMocked({}, () => ({
    ca: new CertificateAuthority("peer-ca", { ...args, renewsEnded: true }).certPem,
  }));
  assert.deepEqual(isProtected(ended), [true, false], "an end that has come makes it due by itself");
  assert.equal(resource(ended, "SelfSignedCert", "peer-ca-cert").inputs.earlyRenewalHours, 0);
});

const algorithms = {
  "ECDSA-P256": { algorithm: "ECDSA", ecdsaCurve: "P256" },
  "RSA-2048": { algorithm: "RSA", rsaBits: 2048 },
  "RSA-4096": { algorithm: "RSA", rsaBits: 4096 },
} as const;

for (const algorithm of ["ECDSA-P256", "RSA-2048", "RSA-4096"] as const) {
  test(`${algorithm} keys are made as such`, async () => {
    const made = await runMocked({}, () => ({
      ca: new CertificateAuthority("ca", { ...args, algorithm }).certPem,
    }));
    assert.deepEqual(resource(made, "PrivateKey", "ca-key").inputs, algorithms[algorithm]);
  });
}
