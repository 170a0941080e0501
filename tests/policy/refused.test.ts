// On the real engine: each rule refuses what violates it, in preview and in up, and names itself.
import assert from "node:assert/strict";
import { access, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { rules } from "../../policy/rules.ts";
import { Project } from "../engine/project.ts";
import { pack, projectOf, violations } from "./pack.ts";

/** What violates each rule in violating.ts; rules on the stack as a whole name the stack. */
const violating: Readonly<Record<string, readonly string[]>> = {
  "odd-member-count": ["conformance-test"],
  "pinned-versions": ["moving", "undigested-binaries"].map((part) => `pinned-versions.${part}`),
  "no-triggers": ["no-triggers", "no-triggers.environment"],
  "host-keys-pinned": ["host-keys-pinned", "host-keys-pinned.proxy"],
  "secrets-are-secret": ["secrets-are-secret", "secrets-are-secret.password", "secrets-are-secret.text"],
  "ca-protected": ["ca-protected", "ca-protected.by-its-certificate-key"],
  "certificate-lifetimes": ["ca", "early", "late", "long"].map((part) => `certificate-lifetimes.${part}`),
  "leafs-from-own-ca": ["leafs-from-own-ca"],
  "no-open-ssh": ["no-open-ssh", "no-open-ssh.range"],
  "no-open-client-port": ["no-open-client-port", "no-open-client-port.metrics"],
  "encrypted-volumes": ["encrypted-volumes", "encrypted-volumes.further", "encrypted-volumes.root"],
  "delete-protection": ["delete-protection", "delete-protection.volume"],
  "imdsv2-required": ["imdsv2-required"],
  "pinned-image": ["pinned-image", "pinned-image.looked-up"],
};

test("each rule refuses its own violations in preview, and nothing else", async () => {
  const project = await projectOf("violating.ts");
  try {
    const { code, text } = await project.pulumi("preview", "--policy-pack", pack);
    assert.notEqual(code, 0, text);
    const expected = Object.entries(violating).flatMap(([rule, resources]) =>
      resources.map((resource) => `mandatory ${rule} ${resource}`),
    );
    assert.deepEqual(violations(text), expected.sort());
    assert.doesNotMatch(text, /hunter2|PRIVATE KEY/, "what should have been a secret is printed");
  } finally {
    await project.remove();
  }
  const untried = rules.map(({ name }) => name).filter((name) => violating[name] === undefined);
  assert.deepEqual(
    untried,
    ["odd-after-loss", "version-floor"],
    "every rule but those that only advise is tried here",
  );
});

test("one violation fails a preview; a rule that is made advisory only tells", async () => {
  const project = (await projectOf("violating.ts")).under({ ONLY: "no-triggers" });
  try {
    const refused = await project.pulumi("preview", "--policy-pack", pack);
    assert.notEqual(refused.code, 0, refused.text);
    const resources = ["no-triggers", "no-triggers.environment"];
    const expected = (level: string) => resources.map((resource) => `${level} no-triggers ${resource}`);
    assert.deepEqual(violations(refused.text), expected("mandatory"));

    const config = path.join(project.folder, "policy.json");
    await writeFile(config, JSON.stringify({ "no-triggers": "advisory" }));
    const told = await project.succeed("preview", "--policy-pack", pack, "--policy-pack-config", config);
    assert.deepEqual(violations(told), expected("advisory"));
  } finally {
    await project.remove();
  }
});

test("what a preview cannot know is judged in up, before the resource is made", async () => {
  const right = `
    const protect = { protect: true };
    const key = new tls.PrivateKey("key", { algorithm: "ECDSA", ecdsaCurve: "P256" }, protect);
    const { privateKeyPem } = key;
    const ca = new tls.SelfSignedCert("ca", {
      privateKeyPem, subject: { commonName: "ca" }, isCaCertificate: true,
      validityPeriodHours: 8760, allowedUses: ["cert_signing"],
    }, protect);
    const request = new tls.CertRequest("request", { privateKeyPem, subject: { commonName: "leaf" } });
    new tls.LocallySignedCert("leaf", {
      certRequestPem: request.certRequestPem, caPrivateKeyPem: privateKeyPem, caCertPem: ca.certPem,
      validityPeriodHours: 8760, earlyRenewalHours: 336, allowedUses: ["server_auth"],
    });
    new local.Command("wrapped", { create: "cat >/dev/null", stdin: privateKeyPem });
  `;
  const wrong = `${right}
    new local.Command("plain", { create: "touch made", stdin: pulumi.unsecret(privateKeyPem) });
  `;
  const project = await Project.create();
  try {
    await project.write(wrong);
    assert.deepEqual(violations(await project.succeed("preview", "--policy-pack", pack)), []);

    const up = ["up", "--yes", "--skip-preview", "--policy-pack", pack];
    await project.write(right);
    assert.deepEqual(violations(await project.succeed(...up)), []);

    await project.write(wrong);
    const { code, text } = await project.pulumi(...up);
    assert.notEqual(code, 0, text);
    assert.deepEqual(violations(text), ["mandatory secrets-are-secret plain"]);
    await assert.rejects(access(path.join(project.folder, "made")), "it was made all the same");
  } finally {
    await project.remove();
  }
});
