// What the `tls` plugin makes: keys, requests and certificates, field by field. Official or stand-in.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { isSecret, Project, type Resource } from "./project.ts";

let project: Project;
let resources: Resource[];

const KEYS = {
  p224: '{ algorithm: "ECDSA", ecdsaCurve: "P224" }',
  p256: '{ algorithm: "ECDSA", ecdsaCurve: "P256" }',
  p384: '{ algorithm: "ECDSA", ecdsaCurve: "P384" }',
  p521: '{ algorithm: "ECDSA", ecdsaCurve: "P521" }',
  rsa: '{ algorithm: "RSA" }',
  rsa3072: '{ algorithm: "RSA", rsaBits: 3072 }',
  ed25519: '{ algorithm: "ED25519" }',
};

before(async () => {
  project = await Project.create();
  await project.up(`
    const keys: Record<string, tls.PrivateKey> = {};
    for (const [name, args] of Object.entries({ ${Object.entries(KEYS).map(([name, args]) => `${name}: ${args}`)} })) {
      const key = new tls.PrivateKey(name, args);
      keys[name] = key;
      const ca = new tls.SelfSignedCert("ca-" + name, { privateKeyPem: key.privateKeyPem, isCaCertificate: true,
        subject: { commonName: "ca " + name }, validityPeriodHours: 1000, allowedUses: ["cert_signing", "crl_signing"] });
      const request = new tls.CertRequest("request-" + name, { privateKeyPem: key.privateKeyPem, subject: { commonName: "leaf" },
        dnsNames: ["node1", "localhost"], ipAddresses: ["127.0.0.1", "::1", "2001:db8::1:0"], uris: ["spiffe://x/y"] });
      new tls.LocallySignedCert("leaf-" + name, { certRequestPem: request.certRequestPem, caCertPem: ca.certPem,
        caPrivateKeyPem: key.privateKeyPem, validityPeriodHours: 100, allowedUses: ["digital_signature", "key_encipherment", "server_auth", "client_auth"] });
    }
    const key = keys.p256!.privateKeyPem;
    new tls.SelfSignedCert("full", { privateKeyPem: key, validityPeriodHours: 24, earlyRenewalHours: 1, maxPathLength: 1, isCaCertificate: true,
      subject: { commonName: "Zoë", country: "CH", emailAddress: "a@example.com", locality: "L", organization: "O", organizationalUnit: "OU",
        postalCode: "PC", province: "ST", serialNumber: "SN", streetAddresses: ["one", "two"] },
      dnsNames: ["self"], setSubjectKeyId: true, setAuthorityKeyId: true, allowedUses: ["any_extended", "code_signing"] });
    new tls.SelfSignedCert("bare", { privateKeyPem: key, validityPeriodHours: 24, dnsNames: ["only-a-name"], allowedUses: [] });
    new tls.SelfSignedCert("zero-path", { privateKeyPem: key, validityPeriodHours: 24, maxPathLength: 0, isCaCertificate: true,
      subject: { commonName: "z" }, allowedUses: ["encipher_only", "decipher_only"] });
    const request = new tls.CertRequest("request-bare", { privateKeyPem: key });
    new tls.LocallySignedCert("leaf-bare", { certRequestPem: request.certRequestPem, caCertPem: new tls.SelfSignedCert("no-ca", {
      privateKeyPem: key, validityPeriodHours: 24, subject: { organization: "no ca" }, allowedUses: [] }).certPem,
      caPrivateKeyPem: key, validityPeriodHours: 1, allowedUses: [], setSubjectKeyId: true });
  `);
  resources = await project.resources("--show-secrets");
});

after(async () => {
  await project.remove();
});

/** The outputs of one resource, secrets in clear. */
function outputs(type: string, name: string): Record<string, unknown> {
  const found = resources.find(({ urn }) => urn.endsWith(`:${type}::${name}`));
  assert.ok(found, `${type} ${name}`);
  return Object.fromEntries(Object.entries(found.outputs).map(([key, value]) => [key, clear(value)]));
}

function clear(value: unknown): unknown {
  return isSecret(value) ? JSON.parse((value as { plaintext: string }).plaintext) : value;
}

function idOf(type: string, name: string): string {
  return resources.find(({ urn }) => urn.endsWith(`:${type}::${name}`))?.id ?? "";
}

function text(value: unknown): string {
  if (typeof value !== "string") assert.fail(`${value} is no text`);
  return value;
}

const label = (pem: string) => /^-----BEGIN (.*)-----\n/.exec(pem)?.[1];

function certificate(type: string, name: string): X509Certificate {
  return new X509Certificate(text(outputs(type, name).certPem));
}

/** openssl's view of a certificate or request, white space evened out. */
function dump(kind: "x509" | "req", pem: unknown): string {
  const printed = execFileSync("openssl", [kind, "-noout", "-text"], { input: text(pem), encoding: "utf8" });
  return printed.replaceAll(/\s+/g, " ");
}

test("private keys come in their algorithm's own PEM, PKCS#8 and OpenSSH, with 40 hex digits as id", () => {
  const labels = { p: "EC PRIVATE KEY", r: "RSA PRIVATE KEY", e: "PRIVATE KEY" };
  for (const name of Object.keys(KEYS)) {
    const it = outputs("PrivateKey", name);
    const pem = text(it.privateKeyPem);
    assert.equal(label(pem), Object.entries(labels).find(([start]) => name.startsWith(start))?.[1], name);
    assert.equal(label(text(it.privateKeyPemPkcs8)), "PRIVATE KEY");
    assert.ok(createPrivateKey(pem).equals(createPrivateKey(text(it.privateKeyPemPkcs8))), name);
    const publicKey = createPublicKey(pem);
    assert.equal(it.publicKeyPem, publicKey.export({ format: "pem", type: "spki" }));
    const der = publicKey.export({ format: "der", type: "spki" });
    assert.equal(idOf("PrivateKey", name), createHash("sha1").update(der).digest("hex"));
    assert.equal(it.rsaBits, name === "rsa3072" ? 3072 : 2048);
    assert.equal(it.ecdsaCurve, name.startsWith("p") ? name.toUpperCase() : "P224");
  }
  assert.equal(
    createPrivateKey(text(outputs("PrivateKey", "rsa3072").privateKeyPem)).asymmetricKeyDetails
      ?.modulusLength,
    3072,
  );
  assert.equal(
    createPrivateKey(text(outputs("PrivateKey", "p521").privateKeyPem)).asymmetricKeyDetails?.namedCurve,
    "secp521r1",
  );
});

test("OpenSSH itself reads the OpenSSH forms, and agrees on the fingerprints", async () => {
  for (const name of Object.keys(KEYS).filter((it) => it !== "p224")) {
    const it = outputs("PrivateKey", name);
    const file = path.join(project.folder, `${name}-key`);
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
    outputs("PrivateKey", "p224");
  assert.deepEqual(
    [privateKeyOpenssh, publicKeyOpenssh, publicKeyFingerprintMd5, publicKeyFingerprintSha256],
    ["", "", "", ""],
  );
});

test("private keys are secret in the state wherever they occur", async () => {
  const stored = await project.resources();
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

test("a certificate authority and its leaf, with every algorithm", () => {
  const signatures: Record<string, string> = {
    p384: "ecdsa-with-SHA384",
    p521: "ecdsa-with-SHA512",
    ed25519: "ED25519",
  };
  for (const name of Object.keys(KEYS)) {
    const ca = certificate("SelfSignedCert", `ca-${name}`);
    const leaf = certificate("LocallySignedCert", `leaf-${name}`);
    assert.ok(ca.ca && ca.verify(ca.publicKey) && ca.checkIssued(ca), name);
    assert.ok(!leaf.ca && leaf.verify(ca.publicKey) && leaf.checkIssued(ca), name);
    assert.ok(leaf.checkPrivateKey(createPrivateKey(text(outputs("PrivateKey", name).privateKeyPem))));
    const algorithm = name.startsWith("p") ? "ECDSA" : name.startsWith("rsa") ? "RSA" : "ED25519";
    assert.equal(outputs("SelfSignedCert", `ca-${name}`).keyAlgorithm, algorithm);
    assert.equal(outputs("CertRequest", `request-${name}`).keyAlgorithm, algorithm);
    assert.equal(outputs("LocallySignedCert", `leaf-${name}`).caKeyAlgorithm, algorithm);
    const signature =
      signatures[name] ?? (algorithm === "RSA" ? "sha256WithRSAEncryption" : "ecdsa-with-SHA256");
    const [caText, leafText] = [dump("x509", ca.toString()), dump("x509", leaf.toString())];
    for (const printed of [caText, leafText])
      assert.ok(printed.includes(`Signature Algorithm: ${signature} `), name);
    const keyId = /X509v3 Subject Key Identifier: ([0-9A-F:]+)/.exec(caText)?.[1];
    const extensions = (printed: string) =>
      printed.slice(
        printed.indexOf("X509v3 extensions: "),
        printed.indexOf(" Signature Algorithm:", printed.indexOf("X509v3")),
      );
    assert.equal(
      extensions(caText),
      "X509v3 extensions: X509v3 Key Usage: critical Certificate Sign, CRL Sign X509v3 Basic Constraints: critical CA:TRUE " +
        `X509v3 Subject Key Identifier: ${keyId}`,
    );
    assert.equal(
      extensions(leafText),
      "X509v3 extensions: X509v3 Key Usage: critical Digital Signature, Key Encipherment " +
        "X509v3 Extended Key Usage: TLS Web Server Authentication, TLS Web Client Authentication " +
        `X509v3 Basic Constraints: critical CA:FALSE X509v3 Authority Key Identifier: ${keyId} ` +
        "X509v3 Subject Alternative Name: DNS:node1, DNS:localhost, IP Address:127.0.0.1, " +
        "IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:1:0, URI:spiffe://x/y",
    );
  }
});

test("the key identifier is the SHA-1 of the bare public key", () => {
  const bare: Record<string, (der: Buffer) => Buffer> = {
    p256: (der) => der.subarray(-65),
    rsa: (der) => der.subarray(24),
    ed25519: (der) => Buffer.concat([Buffer.from([4, 32]), der.subarray(-32)]),
  };
  for (const [name, cut] of Object.entries(bare)) {
    const ca = certificate("SelfSignedCert", `ca-${name}`);
    const der = ca.publicKey.export({ format: "der", type: "spki" });
    const expected = createHash("sha1").update(cut(der)).digest("hex").toUpperCase().match(/../g)?.join(":");
    assert.ok(dump("x509", ca.toString()).includes(`Subject Key Identifier: ${expected} `), name);
  }
});

test("a certificate with everything: names, key identifiers, path length", () => {
  const it = certificate("SelfSignedCert", "full");
  // Their order is that of the Go release the plugin was built with.
  assert.deepEqual(it.subject.split("\n").sort(), [
    "C=CH",
    "CN=Zoë",
    "L=L",
    "O=O",
    "OU=OU",
    "ST=ST",
    "emailAddress=a@example.com",
    "postalCode=PC",
    "serialNumber=SN",
    "street=one + street=two",
  ]);
  assert.equal(it.issuer, it.subject);
  const printed = dump("x509", it.toString());
  assert.match(printed, /X509v3 Extended Key Usage: Any Extended Key Usage, Code Signing /);
  assert.match(printed, /CA:TRUE, pathlen:1 /);
  assert.match(
    printed,
    /Subject Key Identifier: (\S+) X509v3 Authority Key Identifier: \1 X509v3 Subject Alternative Name: DNS:self /,
  );
  // A path length of 0 is stored, but not written.
  assert.equal(outputs("SelfSignedCert", "zero-path").maxPathLength, 0);
  assert.match(
    dump("x509", outputs("SelfSignedCert", "zero-path").certPem),
    /Key Usage: critical Encipher Only, Decipher Only .*CA:TRUE X509v3 Subject/,
  );
});

test("a certificate with next to nothing", () => {
  const printed = dump("x509", outputs("SelfSignedCert", "bare").certPem);
  assert.match(
    printed,
    /X509v3 extensions: X509v3 Basic Constraints: critical CA:FALSE X509v3 Subject Alternative Name: critical DNS:only-a-name Signature/,
  );
  const {
    privateKeyPem: _key,
    certPem: _pem,
    validityStartTime: _start,
    validityEndTime: _end,
    ...rest
  } = outputs("SelfSignedCert", "bare");
  const plain = Object.fromEntries(
    Object.entries(rest).filter(([key]) => !key.startsWith("__") && key !== "id"),
  );
  assert.deepEqual(plain, {
    allowedUses: [],
    dnsNames: ["only-a-name"],
    earlyRenewalHours: 0,
    isCaCertificate: false,
    keyAlgorithm: "ECDSA",
    readyForRenewal: false,
    setAuthorityKeyId: false,
    setSubjectKeyId: false,
    validityPeriodHours: 24,
  });
  // An authority without a key identifier gives its leaf none.
  const leaf = dump("x509", outputs("LocallySignedCert", "leaf-bare").certPem);
  assert.match(leaf, /Issuer: O ?= ?no ca /);
  assert.match(
    leaf,
    /X509v3 extensions: X509v3 Basic Constraints: critical CA:FALSE X509v3 Subject Key Identifier: \S+ Signature/,
  );
});

test("a request carries its names, and no extension when there are none", () => {
  const printed = dump("req", outputs("CertRequest", "request-p256").certRequestPem);
  assert.match(printed, /Subject: CN ?= ?leaf /);
  assert.match(
    printed,
    /Requested Extensions: X509v3 Subject Alternative Name: DNS:node1, DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0/,
  );
  assert.ok(!dump("req", outputs("CertRequest", "request-bare").certRequestPem).includes("X509v3"));
  for (const name of ["request-p256", "request-bare"]) {
    const pem = text(outputs("CertRequest", name).certRequestPem);
    execFileSync("openssl", ["req", "-noout", "-verify"], {
      input: pem,
      stdio: ["pipe", "ignore", "ignore"],
    });
    assert.match(idOf("CertRequest", name), /^[0-9a-f]{40}$/);
  }
});

test("a certificate's id is its serial number in decimal, its times are RFC 3339 in UTC and those in the certificate", () => {
  for (const [type, name, hours] of [
    ["SelfSignedCert", "ca-rsa", 1000],
    ["LocallySignedCert", "leaf-rsa", 100],
  ] as const) {
    const it = outputs(type, name);
    const issued = certificate(type, name);
    assert.equal(idOf(type, name), BigInt(`0x${issued.serialNumber}`).toString());
    const [start, end] = [text(it.validityStartTime), text(it.validityEndTime)];
    for (const time of [start, end]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
    assert.equal(Date.parse(end) - Date.parse(start), hours * 3_600_000);
    assert.equal(issued.validFromDate.getTime(), Math.floor(Date.parse(start) / 1000) * 1000);
    assert.equal(issued.validToDate.getTime(), Math.floor(Date.parse(end) / 1000) * 1000);
    assert.ok(Math.abs(Date.now() - Date.parse(start)) < 600_000);
  }
  const serials = resources
    .filter(({ type }) => type.startsWith("tls:") && type.endsWith("Cert"))
    .map(({ id }) => id);
  assert.equal(new Set(serials).size, serials.length);
});

test("wrong inputs are refused in preview", async () => {
  const refusals = {
    'new tls.PrivateKey("x", { algorithm: "DSA" });': /algorithm/,
    'new tls.PrivateKey("x", { algorithm: "ECDSA", ecdsaCurve: "P999" });': /ecdsa/i,
    'new tls.SelfSignedCert("x", { privateKeyPem: "x", validityPeriodHours: 1, allowedUses: ["swimming"] });':
      /swimming/,
  };
  for (const [program, pattern] of Object.entries(refusals)) {
    await project.write(program);
    const { code, text: shown } = await project.pulumi("preview");
    assert.notEqual(code, 0, program);
    assert.match(shown, pattern);
  }
});
