// A stack with what this project's own has in its state: keys, certificates, a secret output and a secret setting.
import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Project } from "../engine/project.ts";

export const SETTING = "not-a-key-but-as-secret";

export const PROGRAM = `
  const settings = { algorithm: "ECDSA", ecdsaCurve: "P256" };
  const caKey = new tls.PrivateKey("ca", settings);
  const ca = new tls.SelfSignedCert("ca", {
    privateKeyPem: caKey.privateKeyPem, subject: { commonName: "ca" }, isCaCertificate: true,
    validityPeriodHours: 24, allowedUses: ["cert_signing"],
  });
  const key = new tls.PrivateKey("admin", settings);
  export const certificate = ca.certPem;
  export const bundle = pulumi.secret({ caKey: caKey.privateKeyPem, key: key.privateKeyPem });
  export const login = new pulumi.Config().requireSecret("login");
`;

/** Makes the stack; its keys, as the one line each that a search can find. */
export async function makeStack(project: Project): Promise<readonly string[]> {
  await project.succeed("config", "set", "--secret", "login", SETTING);
  await project.up(PROGRAM);
  return await keysOf(project);
}

export async function keysOf(project: Project): Promise<readonly string[]> {
  const bundle = await project.output("bundle");
  assert.ok(typeof bundle === "object" && bundle !== null);
  return Object.values(bundle).map((pem) => {
    const [, line] = String(pem).split("\n");
    assert.ok(line !== undefined && line.length > 40, "the bundle holds PEMs");
    return line;
  });
}

/** Nothing of it is to be read in a text, although the text holds the stack. */
export function assertEncrypted(stored: string, secrets: readonly string[]): void {
  assert.match(stored, /BEGIN CERTIFICATE/, "what is no secret is in there");
  assert.doesNotMatch(stored, /PRIVATE KEY/);
  for (const secret of secrets) {
    assert.ok(!stored.includes(secret), "a secret is stored in the clear");
    assert.ok(!stored.includes(Buffer.from(secret).toString("base64")), "a secret is stored in base64");
  }
}

export async function assertUnchanged(project: Project): Promise<void> {
  await project.succeed("preview", "--expect-no-changes");
}

/** `pulumi stack change-secrets-provider passphrase` reads the new passphrase from standard input. */
export async function changePassphrase(project: Project, next: string): Promise<void> {
  const change = project.start("stack", "change-secrets-provider", "passphrase");
  change.stdin.end(next);
  const [stderr, [code]] = await Promise.all([text(change.stderr), once(change, "close")]);
  assert.equal(code, 0, stderr);
}
