// What the `tls` plugin has made for a program, resource by resource.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { isSecret, Project, type Resource } from "./project.ts";

export const KEYS = {
  p224: '{ algorithm: "ECDSA", ecdsaCurve: "P224" }',
  p256: '{ algorithm: "ECDSA", ecdsaCurve: "P256" }',
  p384: '{ algorithm: "ECDSA", ecdsaCurve: "P384" }',
  p521: '{ algorithm: "ECDSA", ecdsaCurve: "P521" }',
  rsa: '{ algorithm: "RSA" }',
  rsa3072: '{ algorithm: "RSA", rsaBits: 3072 }',
  ed25519: '{ algorithm: "ED25519" }',
};

/** With every algorithm a key, an authority, a request and a leaf. */
export const byAlgorithm = `
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
`;

export class Made {
  readonly project: Project;
  readonly resources: readonly Resource[];

  private constructor(project: Project, resources: readonly Resource[]) {
    this.project = project;
    this.resources = resources;
  }

  static async create(program: string): Promise<Made> {
    const project = await Project.create();
    await project.up(program);
    return new Made(project, await project.resources("--show-secrets"));
  }

  /** The outputs of one resource, secrets in clear. */
  outputs(type: string, name: string): Record<string, unknown> {
    const found = this.resources.find(({ urn }) => urn.endsWith(`:${type}::${name}`));
    assert.ok(found, `${type} ${name}`);
    return Object.fromEntries(Object.entries(found.outputs).map(([key, value]) => [key, clear(value)]));
  }

  idOf(type: string, name: string): string {
    return this.resources.find(({ urn }) => urn.endsWith(`:${type}::${name}`))?.id ?? "";
  }

  certificate(type: string, name: string): X509Certificate {
    return new X509Certificate(text(this.outputs(type, name).certPem));
  }
}

function clear(value: unknown): unknown {
  return isSecret(value) ? JSON.parse((value as { plaintext: string }).plaintext) : value;
}

export function text(value: unknown): string {
  if (typeof value !== "string") assert.fail(`${value} is no text`);
  return value;
}

/** openssl's view of a certificate or request, white space evened out. */
export function dump(kind: "x509" | "req", pem: unknown): string {
  const printed = execFileSync("openssl", [kind, "-noout", "-text"], { input: text(pem), encoding: "utf8" });
  return printed.replaceAll(/\s+/g, " ");
}
