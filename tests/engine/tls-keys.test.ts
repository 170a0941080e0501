// The keys that the `tls` plugin makes, field by field, and how the state keeps them. Official or stand-in.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { byAlgorithm, KEYS, Made, text } from "./made.ts";
import { isSecret } from "./project.ts";

let made: Made;

before(async () => {
  made = await Made.create(byAlgorithm);
});

after(async () => {
  await made.project.remove();
});

const label = (pem: string) => /^-----BEGIN (.*)-----\n/.exec(pem)?.[1];

test("private keys come in their algorithm's own PEM, PKCS#8 and OpenSSH, with 40 hex digits as id", () => {
  const labels = { p: "EC PRIVATE KEY", r: "RSA PRIVATE KEY", e: "PRIVATE KEY" };
  for (const name of Object.keys(KEYS)) {
    const it = made.outputs("PrivateKey", name);
    const pem = text(it.privateKeyPem);
    assert.equal(label(pem), Object.entries(labels).find(([start]) => name.startsWith(start))?.[1], name);
    assert.equal(label(text(it.privateKeyPemPkcs8)), "PRIVATE KEY");
    assert.ok(createPrivateKey(pem).equals(createPrivateKey(text(it.privateKeyPemPkcs8))), name);
    const publicKey = createPublicKey(pem);
    assert.equal(it.publicKeyPem, publicKey.export({ format: "pem", type: "spki" }));
    const der = publicKey.export({ format: "der", type: "spki" });
    assert.equal(made.idOf("PrivateKey", name), createHash("sha1").update(der).digest("hex"));
    assert.equal(it.rsaBits, name === "rsa3072" ? 3072 : 2048);
    assert.equal(it.ecdsaCurve, name.startsWith("p") ? name.toUpperCase() : "P224");
  }
  assert.equal(
    createPrivateKey(text(made.outputs("PrivateKey", "rsa3072").privateKeyPem)).asymmetricKeyDetails
      ?.modulusLength,
    3072,
  );
  assert.equal(
    createPrivateKey(text(made.outputs("PrivateKey", "p521").privateKeyPem)).asymmetricKeyDetails?.namedCurve,
    "secp521r1",
  );
});

test("OpenSSH itself reads the OpenSSH forms, and agrees on the fingerprints", async () => {
  for (const name of Object.keys(KEYS).filter((it) => it !== "p224")) {
    const it = made.outputs("PrivateKey", name);
    const file = path.join(made.project.folder, `${name}-key`);
    await writeFile(file, text(it.privateKeyOpenssh));
    await chmod(file, 0o600);
    assert.equal(label(text(it.privateKeyOpenssh)), "OPENSSH PRIVATE KEY");
    const derived = execFileSync("ssh-keygen", ["-y", "-P", "", "-f", file], { encoding: "utf8" });
    assert.equal(derived.trim(), text(it.publicKeyOpenssh).trim(), name);
    assert.match(text(it.publicKeyOpenssh), /^\S+ \S+\n$/);
    const fingerprint = (hash: string) =>
      execFileSync("ssh-keygen", ["-l", "-E", hash, "-f", file], { encoding: "utf8" }).split(" ")[1];
    assert.equal(it.publicKeyFingerprintSha256, fingerprint("sha256"));
    assert.equal(`MD5:${it.publicKeyFingerprintMd5}`, fingerprint("md5"));
  }
  // SSH has no name for this curve.
  const { privateKeyOpenssh, publicKeyOpenssh, publicKeyFingerprintMd5, publicKeyFingerprintSha256 } =
    made.outputs("PrivateKey", "p224");
  assert.deepEqual(
    [privateKeyOpenssh, publicKeyOpenssh, publicKeyFingerprintMd5, publicKeyFingerprintSha256],
    ["", "", "", ""],
  );
});

test("private keys are secret in the state wherever they occur", async () => {
  const stored = await made.project.resources();
  const state = JSON.stringify(stored);
  assert.ok(!state.includes("PRIVATE KEY-----"));
  const secretIn = (type: string, name: string) => {
    const found = stored.find(({ urn }) => urn.endsWith(`:${type}::${name}`));
    const names = (values: Record<string, unknown> = {}) =>
      Object.keys(values).filter((key) => isSecret(values[key]) && !key.startsWith("__"));
    return { inputs: names(found?.inputs), outputs: names(found?.outputs).sort() };
  };
  assert.deepEqual(secretIn("PrivateKey", "p256"), {
    inputs: [],
    outputs: ["privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8"],
  });
  assert.deepEqual(secretIn("CertRequest", "request-p256"), {
    inputs: ["privateKeyPem"],
    outputs: ["privateKeyPem"],
  });
  assert.deepEqual(secretIn("SelfSignedCert", "ca-p256"), {
    inputs: ["privateKeyPem"],
    outputs: ["privateKeyPem"],
  });
  assert.deepEqual(secretIn("LocallySignedCert", "leaf-p256"), {
    inputs: ["caPrivateKeyPem"],
    outputs: ["caPrivateKeyPem"],
  });
});
