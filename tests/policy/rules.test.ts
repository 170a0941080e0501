// Every rule on plain data: what it refuses, what it lets pass, and values that a preview cannot know.
// Those on AWS are in aws.test.ts.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { securityFloors } from "../../etcd/releases.ts";
import { caProtected, certificateLifetimes, leafCertificatesFromOwnCa } from "../../policy/certificates.ts";
import { hostKeysPinned, noTriggers } from "../../policy/commands.ts";
import { oddAfterLoss, oddMemberCount } from "../../policy/members.ts";
import { rules } from "../../policy/rules.ts";
import { secretsAreSecret } from "../../policy/secrets.ts";
import { pinnedVersions, versionFloor } from "../../policy/versions.ts";
import { privateKey } from "../unit/configuration.ts";
import {
  type Given,
  lookAndValidate,
  passes,
  refuses,
  resource,
  Secret,
  UNKNOWN,
  validateStack,
} from "./validate.ts";

const COMMAND = "command:remote:Command";
const CA = "tls:index/selfSignedCert:SelfSignedCert";
const LEAF = "tls:index/locallySignedCert:LocallySignedCert";
const KEY = "tls:index/privateKey:PrivateKey";

type Props = Readonly<Record<string, unknown>>;

test("every rule says what it wants, has a name of its own, and a level", () => {
  const names = rules.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, description, enforcementLevel } of rules) {
    assert.match(name, /^[a-z0-9-]+$/);
    assert.match(description, /^[A-Z`].+\.$/);
    assert.ok(enforcementLevel !== undefined, `${name} has no level`);
  }
});

test("docs/policy.md has every rule at its level, and no other", async () => {
  const text = await readFile(path.join(import.meta.dirname, "../../docs/policy.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([a-z0-9-]+)` \| (\w+)/gm)].map(
    ([, name, level]) => `${name} ${level}`,
  );
  assert.deepEqual(
    rows,
    rules.map(({ name, enforcementLevel }) => `${name} ${enforcementLevel}`),
  );
});

test("odd-member-count, odd-after-loss", () => {
  const members = (present: number, lost = 0) =>
    Array.from({ length: present + lost }, (_, index) =>
      resource({
        type: COMMAND,
        name: `node${index}-member`,
        inside: "etcd:cluster:Member",
        inert: index < lost,
      }),
    );
  for (const [present, lost] of [[0], [1], [3], [5], [3, 2]]) {
    assert.deepEqual(validateStack(oddMemberCount, members(present ?? 0, lost)), []);
    assert.deepEqual(validateStack(oddAfterLoss, members(present ?? 0, lost)), []);
  }
  assert.match(validateStack(oddMemberCount, members(4)).join(), /4 members.*no more failures than 3/);
  assert.deepEqual(validateStack(oddAfterLoss, members(4)), []);
  assert.deepEqual(validateStack(oddMemberCount, members(2, 1)), []);
  assert.match(validateStack(oddAfterLoss, members(2, 1)).join(), /1 lost, 2 members left/);
  assert.equal(oddMemberCount.enforcementLevel, "mandatory");
  assert.equal(oddAfterLoss.enforcementLevel, "advisory");
});

test("pinned-versions: the unit", () => {
  const unit = (version: string): Given => ({
    type: COMMAND,
    inside: "etcd:cluster:Member",
    props: { stdin: `[Service]\nExecStart=/opt/etcd/${version}/etcd \\\n  --name=node1\n` },
  });
  for (const floor of Object.values(securityFloors)) {
    for (const rule of [pinnedVersions, versionFloor]) passes(rule, unit(floor));
  }
  passes(pinnedVersions, unit("3.6.99"));
  passes(pinnedVersions, unit("3.6.15"));
  refuses(versionFloor, unit("3.6.15"), /3\.6\.15, which has known vulnerabilities: use 3\.6\.16/);
  assert.equal(versionFloor.enforcementLevel, "advisory");
  refuses(pinnedVersions, unit("3.4.45"), /not known here: use one of 3\.5, 3\.6/);
  for (const moving of ["latest", "3.6", "v3.6.14"])
    refuses(pinnedVersions, unit(moving), /does not start an exact version/);
  refuses(
    pinnedVersions,
    { ...unit("3.6.14"), props: { stdin: "ExecStart=etcd" } },
    /does not start an exact version/,
  );
  refuses(pinnedVersions, { ...unit("3.6.14"), props: {} }, /does not start an exact version/);
  for (const [rule, version] of [
    [pinnedVersions, "latest"],
    [versionFloor, "3.6.13"],
  ] as const) {
    passes(rule, { ...unit(version), inert: true });
    passes(rule, { ...unit(version), inside: "etcd:host:SshHost" });
    passes(rule, { ...unit(version), props: { stdin: UNKNOWN } });
  }
});

test("pinned-versions: the digest", () => {
  const installs = (create: string): Given => ({
    type: COMMAND,
    name: "node1-binaries",
    inside: "etcd:cluster:Installation",
    props: { create },
  });
  passes(pinnedVersions, installs(`etcd-host install --version=3.6.14 --sha256-arm64=${"0a".repeat(32)}`));
  refuses(pinnedVersions, installs("etcd-host install --version=3.6.14"), /without a digest/);
  refuses(pinnedVersions, installs("etcd-host install --sha256-amd64=abc"), /without a digest/);
  passes(pinnedVersions, installs(UNKNOWN));
  passes(pinnedVersions, { ...installs("etcd-host certificates"), name: "node1-certificates" });
});

test("no-triggers", () => {
  for (const type of [COMMAND, "command:local:Command", "command:remote:CopyToRemote"]) {
    passes(noTriggers, { type, props: { create: UNKNOWN } });
    refuses(noTriggers, { type, props: { triggers: [1] } }, /triggers, which replace/);
    refuses(noTriggers, { type, props: { triggers: UNKNOWN } }, /triggers, which replace/);
    refuses(noTriggers, { type, props: { environment: { A: "b" } } }, /environment, which sshd refuses/);
  }
  passes(noTriggers, { type: "null:index:Resource", props: { triggers: [1] } });
});

test("host-keys-pinned", () => {
  const to = (connection: unknown, inert = false): Given => ({ type: COMMAND, props: { connection }, inert });
  const pinned = { host: "192.0.2.1", hostKey: "ssh-ed25519 AAAA" };
  passes(hostKeysPinned, to(pinned));
  passes(hostKeysPinned, to({ ...pinned, proxy: pinned }));
  passes(hostKeysPinned, to({ ...pinned, hostKey: UNKNOWN, proxy: UNKNOWN }));
  passes(hostKeysPinned, to(UNKNOWN));
  passes(hostKeysPinned, to({ host: "gone", hostKey: "" }, true));
  passes(hostKeysPinned, { type: "command:local:Command" });
  for (const hostKey of [undefined, "", " "])
    refuses(hostKeysPinned, to({ ...pinned, hostKey }), /^Its connection has no hostKey/);
  refuses(hostKeysPinned, to({ ...pinned, proxy: { host: "192.0.2.2" } }), /^The proxy/);
});

test("secrets-are-secret", () => {
  const says = (props: Props, unwrapped: Props) =>
    lookAndValidate(secretsAreSecret, { type: COMMAND, props }, { type: COMMAND, props: unwrapped });
  const plain = (props: Props) => says(props, props);

  assert.deepEqual(says({ stdin: new Secret(privateKey) }, { stdin: privateKey }), []);
  const login = { user: "root", privateKey };
  assert.deepEqual(says({ connection: new Secret(login) }, { connection: login }), []);
  assert.deepEqual(
    says({ connection: { user: "root", privateKey: new Secret("k") } }, { connection: login }),
    [],
  );
  assert.deepEqual(plain({ stdin: "[Unit]", connection: UNKNOWN, privateKeyPem: UNKNOWN, password: "" }), []);

  assert.match(plain({ stdin: privateKey }).join(), /^Its input stdin holds .*pulumi\.secret/);
  assert.match(plain({ create: `cat <<X\n${privateKey}X` }).join(), /input create/);
  assert.match(plain({ list: [{ pem: privateKey }] }).join(), /input list\.0\.pem/);
  assert.match(
    plain({ connection: { proxy: { password: "p" } } }).join(),
    /input connection\.proxy\.password/,
  );
  for (const kind of ["RSA", "EC", "OPENSSH", "ENCRYPTED"])
    assert.equal(plain({ stdin: `-----BEGIN ${kind} PRIVATE KEY-----` }).length, 1);
  assert.ok(!plain({ stdin: privateKey }).join().includes("BEGIN"), "the message holds no secret");
});

test("secrets-are-secret says so where it could not look", () => {
  const given = (name: string, stdin: string): Given => ({ type: COMMAND, name, props: { stdin } });
  refuses(secretsAreSecret, given("not-looked-at", privateKey), /only at the level remediate/);
  passes(secretsAreSecret, given("not-looked-at-either", "[Unit]"));
  assert.equal(secretsAreSecret.enforcementLevel, "remediate");
});

test("ca-protected", () => {
  const stack = (ofKey: boolean, ...signed: readonly string[]) => {
    const key = resource({ type: KEY, name: "key", protect: ofKey });
    const leafs = signed.map((name) => resource({ type: LEAF, name, from: { caPrivateKeyPem: [key] } }));
    const from = { privateKeyPem: [key] };
    const ca = resource({ type: CA, name: "ca", props: { isCaCertificate: true }, from });
    return validateStack(caProtected, [key, ca, ...leafs]);
  };
  assert.deepEqual(stack(true, "server"), [], "a certificate over a kept key loses nothing");
  assert.match(stack(false, "server").join(), /^key could be deleted/);
  assert.equal(stack(false, "server", "peer").length, 1, "once, however many it signs");
  assert.deepEqual(
    stack(false),
    [],
    "it does not sign yet, or no more: in a rotation it has to be free to go",
  );
  assert.deepEqual(validateStack(caProtected, [resource({ type: KEY })]), [], "the key of a leaf");
});

test("certificate-lifetimes", () => {
  const leaf = (life: unknown, window: unknown, type = LEAF): Given => ({
    type,
    props: { validityPeriodHours: life, earlyRenewalHours: window },
  });
  const day = 24;
  passes(certificateLifetimes, leaf(365 * day, 60 * day));
  passes(certificateLifetimes, leaf(398 * day, 14 * day));
  passes(certificateLifetimes, leaf(365 * day, 365 * day));
  passes(certificateLifetimes, leaf(UNKNOWN, UNKNOWN));
  refuses(certificateLifetimes, leaf(399 * day, 60 * day), /399 days: make it 398/);
  refuses(certificateLifetimes, leaf(399 * day, 60 * day, CA), /399 days: make it 398/);
  refuses(certificateLifetimes, leaf(365 * day, 13.5 * day), /13\.5 days before its end: make it 14/);
  passes(certificateLifetimes, leaf(30 * day, 10 * day));
  refuses(certificateLifetimes, leaf(30 * day, 9 * day), /9 days before its end: make it 10/);
  refuses(certificateLifetimes, leaf(365 * day, undefined), /0 days before its end/);
  refuses(certificateLifetimes, leaf(90 * day, 91 * day), /before it begins/);
  const authority = (life: number): Given => ({
    type: CA,
    props: { isCaCertificate: true, validityPeriodHours: life, earlyRenewalHours: 0 },
  });
  passes(certificateLifetimes, authority(3650 * day));
  refuses(certificateLifetimes, authority(3651 * day), /3651 days: make it 3650/);
  passes(certificateLifetimes, { type: KEY });
});

test("leafs-from-own-ca", () => {
  const ca = resource({ type: CA, props: { isCaCertificate: true } });
  const noCa = resource({ type: CA, props: { isCaCertificate: false } });
  const signedBy = (...signers: (typeof ca)[]) =>
    validateStack(leafCertificatesFromOwnCa, [
      ca,
      noCa,
      resource({ type: LEAF, name: "leaf", from: { caCertPem: signers } }),
    ]);
  assert.deepEqual(signedBy(ca), []);
  assert.match(signedBy(noCa).join(), /^leaf is signed by a CA that is not in the stack/);
  assert.equal(signedBy().length, 1);

  const cluster = resource({
    type: "etcd:cluster:Cluster",
    props: { givenCas: { "client-ca-2": { certPem: "given", inLeafs: true } } },
  });
  const byText = (caCertPem: string) =>
    validateStack(leafCertificatesFromOwnCa, [
      cluster,
      resource({ type: LEAF, name: "leaf", props: { caCertPem } }),
    ]);
  assert.deepEqual(byText("given"), []);
  assert.equal(byText("another").length, 1);
});
