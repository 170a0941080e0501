// What the stack's state declares of each host, as `etcd-host verify --declared` reads it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { declaredOf, type State, stateOf } from "../../cli/verify/declared.ts";
import { hostCommand, identityOptions } from "../../host/commands.ts";

const UNIT = "[Service]\nExecStart=/opt/etcd/3.6.14/etcd\n";
const PROGRAM = "#!/bin/sh\n";
const LEAF = "-----BEGIN CERTIFICATE-----\nleaf\n-----END CERTIFICATE-----\n";
const CA = "-----BEGIN CERTIFICATE-----\nCA\n-----END CERTIFICATE-----";
const MEMBERS =
  "member node1 https://10.0.0.1:2380 https://10.0.0.1:2379 2\nmember node2 https://b https://c 1";

const owner = "urn:pulumi:dev::etcd::etcd:cluster:Cluster$etcd:cluster:Member::node1";
const identity = identityOptions({ name: "node1", incarnation: 2 }, owner, 0);
const command = (subcommand: string, options: Readonly<Record<string, string>> = {}) =>
  hostCommand({ user: "admin" }, subcommand, { ...identity, ...options });

/** Resources by name, with their inputs and outputs. */
type Resources = Readonly<Record<string, { inputs?: object; outputs?: object; delete?: boolean }>>;

const release = { version: "3.6.14", "sha256-amd64": "aa", "sha256-arm64": "bb" };
const right: Resources = {
  "node1-host": { inputs: { stdin: PROGRAM } },
  "node1-member": { inputs: { create: command("start"), stdin: UNIT } },
  "node1-binaries": { inputs: { create: command("install", release) } },
  "client-ca-cert": { outputs: { certPem: CA } },
  "peer-ca-cert": { outputs: { certPem: `${CA}\n` } },
  ...Object.fromEntries(
    ["server", "peer", "operator"].map((role) => [
      `node1-${role}-cert`,
      { outputs: { certPem: `${role} ${LEAF}` } },
    ]),
  ),
  before: { inputs: { stdin: `digest 0123\n${MEMBERS}\n` } },
};

function state(resources: Resources): State {
  const all = Object.entries(resources).map(([name, resource]) => ({
    urn: `urn:pulumi:dev::etcd::etcd:cluster:Cluster$x:y:Z::${name}`,
    ...resource,
  }));
  return stateOf({ version: 3, deployment: { resources: all } });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

test("every file that the stack wrote, the release and the members, one line each", () => {
  assert.deepEqual(declaredOf(state(right), "node1"), {
    incarnation: "2",
    lines: [
      `file ${sha256(PROGRAM)} /usr/local/sbin/etcd-host`,
      `file ${sha256(UNIT)} /etc/systemd/system/etcd.service`,
      `file ${sha256(`${CA}\n`)} /etc/etcd/pki/client-ca.crt`,
      `file ${sha256(`${CA}\n`)} /etc/etcd/pki/peer-ca.crt`,
      `file ${sha256(`server ${LEAF}`)} /etc/etcd/pki/server.crt`,
      `file ${sha256(`peer ${LEAF}`)} /etc/etcd/pki/peer.crt`,
      `file ${sha256(`operator ${LEAF}`)} /etc/etcd/pki/operator.crt`,
      "release 3.6.14 aa bb",
      MEMBERS,
      "",
    ].join("\n"),
  });
});

test("users and what they may do, where the step behind the members was told of them", () => {
  const access = ["auth on", "user app1", "grant app1 readwrite prefix /app1/"];
  const stdin = ["digest 0123", MEMBERS, ...access, ""].join("\n");
  const { lines = "" } = declaredOf(state({ ...right, membership: { inputs: { stdin } } }), "node1") ?? {};
  assert.deepEqual(lines.split("\n").slice(-4), [...access, ""]);
  assert.equal(lines.split(MEMBERS).length, 2, "the members once");
});

test("an architecture that no digest is known of has a dash", () => {
  const one = command("install", { version: "3.6.14", "sha256-amd64": "aa" });
  const { lines = "" } =
    declaredOf(state({ ...right, "node1-binaries": { inputs: { create: one } } }), "node1") ?? {};
  assert.match(lines, /^release 3\.6\.14 aa -$/m);
});

test("nothing of a host that has no member yet, and nothing of an empty stack", () => {
  const { "node1-member": _, ...without } = right;
  assert.equal(declaredOf(state(without), "node1"), undefined);
  assert.equal(declaredOf(state(right), "node2"), undefined);
  assert.equal(declaredOf(stateOf({ version: 3 }), "node1"), undefined);
});

test("a resource that only waits for its delete declares nothing", () => {
  const now = [
    { urn: "urn:pulumi:dev::etcd::x::node1-member", inputs: { stdin: UNIT } },
    { urn: "urn:pulumi:dev::etcd::x::node1-member", inputs: { stdin: "the old unit" }, delete: true },
  ];
  const { lines = "" } = declaredOf(stateOf({ deployment: { resources: now } }), "node1") ?? {};
  assert.match(lines, new RegExp(`^file ${sha256(UNIT)} /etc/systemd/system/etcd\\.service$`, "m"));
});

test("where CAs were rotated a bundle has all that the host's step names, ascending, and only those", () => {
  const pems = { "client-ca-2": "two", "client-ca-10": "ten", "peer-ca-2": "peer two" };
  const rotated = (list: Readonly<Record<string, string>>) => ({
    ...right,
    "node1-certificates": { inputs: { create: command("certificates", list) } },
    ...Object.fromEntries(
      Object.entries(pems).map(([ca, pem]) => [`${ca}-cert`, { outputs: { certPem: `${pem}\n` } }]),
    ),
  });
  const bundles = (list: Readonly<Record<string, string>>) =>
    declaredOf(state(rotated(list)), "node1")
      ?.lines.split("\n")
      .slice(2, 4);
  assert.deepEqual(bundles({ "client-ca": "10,2", "peer-ca": "2" }), [
    `file ${sha256("two\nten\n")} /etc/etcd/pki/client-ca.crt`,
    `file ${sha256("peer two\n")} /etc/etcd/pki/peer-ca.crt`,
  ]);
  assert.deepEqual(bundles({ "client-ca": "1,2" }), [
    `file ${sha256(`${CA}\ntwo\n`)} /etc/etcd/pki/client-ca.crt`,
    `file ${sha256(`${CA}\n`)} /etc/etcd/pki/peer-ca.crt`,
  ]);
});

test("of a host that gets new keys the certificates of the highest issue count", () => {
  const issues = Object.fromEntries(
    ["node1-server.2-cert", "node1-server.10-cert", "node1-server.9-cert"].map((name) => [
      name,
      { outputs: { certPem: `${name} ${LEAF}` } },
    ]),
  );
  const { lines = "" } = declaredOf(state({ ...right, ...issues }), "node1") ?? {};
  assert.match(
    lines,
    new RegExp(`^file ${sha256(`node1-server.10-cert ${LEAF}`)} /etc/etcd/pki/server.crt$`, "m"),
  );
});

test("of a given CA the cluster says what hosts have of it, and whether leaf certificates carry it", () => {
  const cluster = (inLeafs: boolean) => ({
    ...right,
    etcd: { outputs: { givenCas: { "client-ca-2": { certPem: "given\n", inLeafs } } } },
    "node1-certificates": { inputs: { create: command("certificates", { "client-ca": "2,1" }) } },
  });
  const certificates = (inLeafs: boolean) =>
    declaredOf(state(cluster(inLeafs)), "node1")
      ?.lines.split("\n")
      .slice(2, 7);
  const [bundle, , server, peer] = certificates(true) ?? [];
  assert.equal(bundle, `file ${sha256(`${CA}\ngiven\n`)} /etc/etcd/pki/client-ca.crt`);
  assert.equal(server, `file ${sha256(`server ${LEAF}given\n`)} /etc/etcd/pki/server.crt`);
  assert.equal(peer, `file ${sha256(`peer ${LEAF}`)} /etc/etcd/pki/peer.crt`);
  assert.equal(certificates(false)?.[2], `file ${sha256(`server ${LEAF}`)} /etc/etcd/pki/server.crt`);
});
