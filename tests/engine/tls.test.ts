// The requests and certificates that the `tls` plugin makes, field by field. Official or stand-in.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey } from "node:crypto";
import { after, before, test } from "node:test";
import { byAlgorithm, dump, KEYS, Made, text } from "./made.ts";

const program = `${byAlgorithm}
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
`;

let made: Made;

before(async () => {
  made = await Made.create(program);
});

after(async () => {
  await made.project.remove();
});

test("a certificate authority and its leaf, with every algorithm", () => {
  const signatures: Record<string, string> = {
    p384: "ecdsa-with-SHA384",
    p521: "ecdsa-with-SHA512",
    ed25519: "ED25519",
  };
  for (const name of Object.keys(KEYS)) {
    const ca = made.certificate("SelfSignedCert", `ca-${name}`);
    const leaf = made.certificate("LocallySignedCert", `leaf-${name}`);
    assert.ok(ca.ca && ca.verify(ca.publicKey) && ca.checkIssued(ca), name);
    assert.ok(!leaf.ca && leaf.verify(ca.publicKey) && leaf.checkIssued(ca), name);
    assert.ok(leaf.checkPrivateKey(createPrivateKey(text(made.outputs("PrivateKey", name).privateKeyPem))));
    const algorithm = name.startsWith("p") ? "ECDSA" : name.startsWith("rsa") ? "RSA" : "ED25519";
    assert.equal(made.outputs("SelfSignedCert", `ca-${name}`).keyAlgorithm, algorithm);
    assert.equal(made.outputs("CertRequest", `request-${name}`).keyAlgorithm, algorithm);
    assert.equal(made.outputs("LocallySignedCert", `leaf-${name}`).caKeyAlgorithm, algorithm);
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
    const ca = made.certificate("SelfSignedCert", `ca-${name}`);
    const der = ca.publicKey.export({ format: "der", type: "spki" });
    const expected = createHash("sha1").update(cut(der)).digest("hex").toUpperCase().match(/../g)?.join(":");
    assert.ok(dump("x509", ca.toString()).includes(`Subject Key Identifier: ${expected} `), name);
  }
});

test("a certificate with everything: names, key identifiers, path length", () => {
  const it = made.certificate("SelfSignedCert", "full");
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
  assert.equal(made.outputs("SelfSignedCert", "zero-path").maxPathLength, 0);
  assert.match(
    dump("x509", made.outputs("SelfSignedCert", "zero-path").certPem),
    /Key Usage: critical Encipher Only, Decipher Only .*CA:TRUE X509v3 Subject/,
  );
});

test("a certificate with next to nothing", () => {
  const printed = dump("x509", made.outputs("SelfSignedCert", "bare").certPem);
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
  } = made.outputs("SelfSignedCert", "bare");
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
  const leaf = dump("x509", made.outputs("LocallySignedCert", "leaf-bare").certPem);
  assert.match(leaf, /Issuer: O ?= ?no ca /);
  assert.match(
    leaf,
    /X509v3 extensions: X509v3 Basic Constraints: critical CA:FALSE X509v3 Subject Key Identifier: \S+ Signature/,
  );
});

test("a request carries its names, and no extension when there are none", () => {
  const printed = dump("req", made.outputs("CertRequest", "request-p256").certRequestPem);
  assert.match(printed, /Subject: CN ?= ?leaf /);
  assert.match(
    printed,
    /Requested Extensions: X509v3 Subject Alternative Name: DNS:node1, DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0/,
  );
  assert.ok(!dump("req", made.outputs("CertRequest", "request-bare").certRequestPem).includes("X509v3"));
  for (const name of ["request-p256", "request-bare"]) {
    const pem = text(made.outputs("CertRequest", name).certRequestPem);
    execFileSync("openssl", ["req", "-noout", "-verify"], {
      input: pem,
      stdio: ["pipe", "ignore", "ignore"],
    });
    assert.match(made.idOf("CertRequest", name), /^[0-9a-f]{40}$/);
  }
});

test("a certificate's id is its serial number in decimal, its times are RFC 3339 in UTC and those in the certificate", () => {
  for (const [type, name, hours] of [
    ["SelfSignedCert", "ca-rsa", 1000],
    ["LocallySignedCert", "leaf-rsa", 100],
  ] as const) {
    const it = made.outputs(type, name);
    const issued = made.certificate(type, name);
    assert.equal(made.idOf(type, name), BigInt(`0x${issued.serialNumber}`).toString());
    const [start, end] = [text(it.validityStartTime), text(it.validityEndTime)];
    for (const time of [start, end]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
    assert.equal(Date.parse(end) - Date.parse(start), hours * 3_600_000);
    assert.equal(issued.validFromDate.getTime(), Math.floor(Date.parse(start) / 1000) * 1000);
    assert.equal(issued.validToDate.getTime(), Math.floor(Date.parse(end) / 1000) * 1000);
    assert.ok(Math.abs(Date.now() - Date.parse(start)) < 600_000);
  }
  const serials = made.resources
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
    await made.project.write(program);
    const { code, text: shown } = await made.project.pulumi("preview");
    assert.notEqual(code, 0, program);
    assert.match(shown, pattern);
  }
});
