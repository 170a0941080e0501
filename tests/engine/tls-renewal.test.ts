// When the `tls` plugin keeps a certificate, updates it or makes a new one. Official or stand-in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { named, Project, type Step, UNKNOWN } from "./project.ts";

let project: Project;

before(async () => {
  project = await Project.create();
});

after(async () => {
  await project.remove();
});

interface Terms {
  ca?: string;
  leaf?: string;
  request?: string;
  caOptions?: string;
}

/** An authority, a leaf, and somebody who uses the leaf; the terms are further arguments. */
const program = ({ ca = "", leaf = "", request = "", caOptions = "{}" }: Terms = {}) => `
  const key = new tls.PrivateKey("key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
  const ca = new tls.SelfSignedCert("ca", { privateKeyPem: key.privateKeyPem, isCaCertificate: true, subject: { commonName: "ca" },
    validityPeriodHours: 1000, allowedUses: ["cert_signing"], ${ca} }, ${caOptions});
  const request = new tls.CertRequest("request", { privateKeyPem: key.privateKeyPem, subject: { commonName: "leaf" }, ${request} });
  const leaf = new tls.LocallySignedCert("leaf", { certRequestPem: request.certRequestPem, caCertPem: ca.certPem,
    caPrivateKeyPem: key.privateKeyPem, validityPeriodHours: 100, allowedUses: ["server_auth"], ${leaf} });
  new local.Command("user", { create: "true", stdin: leaf.certPem });
`;

function operations(steps: Step[]): Record<string, string> {
  const plain = (op: string) => (op.endsWith("replace") || op.endsWith("replaced") ? "replace" : op);
  return Object.fromEntries(
    ["key", "ca", "request", "leaf", "user"].map((name) => [
      name,
      plain(named(steps.filter(isFinal), name).op),
    ]),
  );
}

/** A replacement is three steps; the one that says so stands for all. */
function isFinal({ op }: Step): boolean {
  return op !== "create-replacement" && op !== "delete-replaced";
}

const nothing = { key: "same", ca: "same", request: "same", leaf: "same", user: "same" };

async function identities(): Promise<Record<string, string | undefined>> {
  const resources = await project.resources();
  return Object.fromEntries(["ca", "leaf"].map((name) => [name, named(resources, name).id]));
}

test("unchanged stays unchanged, also when a default is written out", async () => {
  await project.up(program());
  assert.deepEqual(operations(await project.preview(program())), nothing);
  const spelledOut = { ca: "earlyRenewalHours: 0, setSubjectKeyId: false", leaf: "isCaCertificate: false" };
  assert.deepEqual(operations(await project.preview(program(spelledOut))), nothing);
});

test("a change of an input replaces, and what depends on it sees an unknown value", async () => {
  const changes: [Terms, Record<string, string>][] = [
    [{ leaf: "validityPeriodHours: 101" }, { leaf: "replace", user: "update" }],
    [{ leaf: "setSubjectKeyId: true" }, { leaf: "replace", user: "update" }],
    [{ leaf: 'allowedUses: ["client_auth"]' }, { leaf: "replace", user: "update" }],
    [{ request: 'dnsNames: ["other"]' }, { request: "replace", leaf: "replace", user: "update" }],
    [{ ca: 'subject: { commonName: "other" }' }, { ca: "replace", leaf: "replace", user: "update" }],
  ];
  for (const [terms, expected] of changes) {
    const steps = await project.preview(program(terms));
    assert.deepEqual(operations(steps), { ...nothing, ...expected }, JSON.stringify(terms));
    assert.equal(named(steps.filter(isFinal), "user").newState?.inputs.stdin, UNKNOWN);
  }
});

test("the new one is made before the old one is deleted", async () => {
  const before = await identities();
  const text = await project.up(program({ leaf: "validityPeriodHours: 102" }));
  assert.notEqual((await identities()).leaf, before.leaf);
  assert.equal((await identities()).ca, before.ca);
  const line = (what: string) =>
    text.split("\n").findIndex((row) => row.includes(`LocallySignedCert leaf ${what}`));
  assert.ok(line("created replacement") >= 0 && line("created replacement") < line("deleted original"), text);
});

test("`earlyRenewalHours` alone is updated in place", async () => {
  const before = await identities();
  const terms = { leaf: "validityPeriodHours: 102, earlyRenewalHours: 10" };
  assert.deepEqual(operations(await project.preview(program(terms))), { ...nothing, leaf: "update" });
  await project.up(program(terms));
  assert.deepEqual(await identities(), before);
  assert.equal((await project.resource("leaf")).outputs.earlyRenewalHours, 10);
});

test("inside its window a certificate is replaced by every plain `up`, and the preview says so", async () => {
  const before = await identities();
  const terms = { leaf: "validityPeriodHours: 102, earlyRenewalHours: 102" };
  const renewal = { ...nothing, leaf: "replace", user: "update" };
  // Widening the window alone makes it due.
  const steps = await project.preview(program(terms));
  assert.deepEqual(operations(steps), renewal);
  await project.up(program(terms));
  const renewed = await identities();
  assert.notEqual(renewed.leaf, before.leaf);
  assert.equal((await project.resource("leaf")).outputs.readyForRenewal, true);
  // Nothing changed in the program, yet it is due again.
  const due = await project.preview(program(terms));
  assert.deepEqual(operations(due), renewal);
  assert.deepEqual(named(due.filter(isFinal), "leaf").detailedDiff ?? {}, {});
  await project.up();
  assert.notEqual((await identities()).leaf, renewed.leaf);
  await project.up(program({ leaf: "validityPeriodHours: 102, earlyRenewalHours: 1" }));
});

test("an expired authority is replaced by a plain `up`, and its leafs with it", async () => {
  const expired = { ca: "validityPeriodHours: 0" };
  await project.up(program(expired));
  const before = await identities();
  assert.deepEqual(operations(await project.preview(program(expired))), {
    ...nothing,
    ca: "replace",
    leaf: "replace",
    user: "update",
  });
  await project.up();
  const renewed = await identities();
  assert.ok(renewed.ca !== before.ca && renewed.leaf !== before.leaf);
});

test("`ignoreChanges` does not keep an expired certificate, `protect` does", async () => {
  const expired = { ca: "validityPeriodHours: 0" };
  const steps = await project.preview(program({ ...expired, caOptions: '{ ignoreChanges: ["*"] }' }));
  assert.equal(operations(steps).ca, "replace");
  await project.up(program({ ca: "validityPeriodHours: 50", caOptions: "{ protect: true }" }));
  await project.write(program({ ...expired, caOptions: "{ protect: true }" }));
  const { code, text } = await project.pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(text, /protect/);
  await project.up(program({ ca: "validityPeriodHours: 50", caOptions: "{ protect: false }" }));
});

test("refresh tells that a certificate is due", async () => {
  await project.up(program({ ca: "validityPeriodHours: 50" }));
  const { ca } = await identities();
  // Due from now on, without an update: the state is as if time had passed.
  await project.editState((state) => state.replaceAll('"earlyRenewalHours": 0', '"earlyRenewalHours": 50'));
  await project.succeed("refresh", "--yes", "--skip-preview");
  const resource = await project.resource("ca");
  assert.deepEqual([resource.id, resource.outputs.readyForRenewal], [ca, true]);
});
