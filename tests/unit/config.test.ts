import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { defaults } from "../../config/defaults.ts";
import { loadConfig } from "../../config/load.ts";
import { parseConfig } from "../../config/parse.ts";
import { config, hostKey, privateKey, problems, right, threeNodes } from "./configuration.ts";

function readProjectFile(name: string): Record<string, unknown> {
  return parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));
}

/** What the schema of Pulumi.yaml says of one setting. */
interface Declaration {
  readonly type: string;
  readonly description: string;
  readonly default?: unknown;
}

function schema(): readonly (readonly [string, Declaration])[] {
  const { config: declared } = readProjectFile("Pulumi.yaml");
  assert.ok(typeof declared === "object" && declared !== null);
  return Object.entries(declared);
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "number" ? "integer" : typeof value;
}

test("Pulumi.yaml declares every setting, described, with the default that the program has", () => {
  const withDefault = schema().filter(([, { default: value }]) => value !== undefined);
  assert.deepEqual(
    Object.fromEntries(withDefault.map(([key, { default: value }]) => [key, value])),
    defaults,
  );
  assert.deepEqual(Object.fromEntries(withDefault.map(([key, { type }]) => [key, type])), {
    ...Object.fromEntries(Object.entries(defaults).map(([key, value]) => [key, typeOf(value)])),
  });
  const required = schema().filter(([, { default: value }]) => value === undefined);
  assert.deepEqual(
    required.map(([key]) => key),
    ["nodes"],
  );
  for (const [key, { description }] of schema()) assert.match(description, /\S.{20}/, key);
});

test("the defaults, given in full, are the same as left out", () => {
  const ssh = { ...defaults.ssh, ...right.ssh };
  assert.deepEqual(config({ ...defaults, ssh }), config());
});

test("Pulumi.dev.yaml is the complete configuration of three hosts, without a secret", () => {
  const { config: stack } = readProjectFile("Pulumi.dev.yaml");
  assert.ok(typeof stack === "object" && stack !== null);
  const values = Object.fromEntries(
    Object.entries(stack).map(([key, value]) => [key.replace("etcd:", ""), value]),
  );
  const readFile = (path: string) => (path.endsWith("known_hosts") ? `* ${hostKey()}` : privateKey);
  const parsed = parseConfig(values, readFile, { HOME: "/home/me" });
  assert.deepEqual(parsed.problems, []);
  assert.deepEqual(
    parsed.config?.nodes.map(({ name, address }) => ({ name, address })),
    threeNodes,
  );
  assert.ok(!("sshPrivateKey" in values) && !JSON.stringify(stack).includes("secure"));
});

test("an object given in part keeps the other defaults inside", () => {
  assert.equal(
    config({ ssh: { privateKeyFile: "~/.ssh/id_ed25519", knownHostsFile: "~/.ssh/known_hosts" } }).ssh.user,
    "root",
  );
});

test("all mistakes come at once, each with its path", () => {
  const sentences = problems({
    target: "azure",
    nodes: [{ name: "a" }, { name: "a", address: "10.0.0.2" }],
    version: "3.4.1",
    clusterName: "my cluster",
    heartbeatInterval: "fast",
    protect: "no",
    extraFlags: { name: "b" },
    nods: [],
  });
  const paths = sentences.map((sentence) => sentence.split(": ")[0]);
  assert.deepEqual(paths.toSorted(), [
    "clusterName",
    "extraFlags.name",
    "heartbeatInterval",
    "nodes",
    "nodes[0].address",
    "nodes[1].name",
    "nods",
    "protect",
    "target",
    "version",
  ]);
  for (const sentence of sentences) assert.match(sentence, /^[^\n]+\.$/);
});

for (const [what, values, sentence] of [
  [
    "an unknown setting",
    { electionTimout: 1000 },
    "electionTimout: no such setting; did you mean electionTimeout.",
  ],
  ["an unknown target", { target: "gcp" }, 'target: "gcp" is not one of ssh, aws.'],
  [
    "a cluster name with a space",
    { clusterName: "my cluster" },
    'clusterName: "my cluster" is not a cluster name; use up to 63 letters, digits, dots, hyphens and underscores.',
  ],
  [
    "a relative data directory",
    { dataDir: "etcd" },
    'dataDir: "etcd" is not an absolute path; write it like /var/lib/etcd.',
  ],
  [
    "a data directory with ..",
    { dataDir: "/var/lib/../etcd" },
    'dataDir: "/var/lib/../etcd" is not a plain path; use letters, digits, dots, hyphens and underscores between single slashes.',
  ],
  [
    "a data directory with a space",
    { dataDir: "/srv/etc d" },
    'dataDir: "/srv/etc d" is not a plain path; use letters, digits, dots, hyphens and underscores between single slashes.',
  ],
  [
    "the root as data directory",
    { dataDir: "/" },
    "dataDir: / belongs to the system; use a folder for etcd alone, like /var/lib/etcd.",
  ],
  [
    "/var/lib as data directory",
    { dataDir: "/var/lib/" },
    "dataDir: /var/lib belongs to the system; use a folder for etcd alone, like /var/lib/etcd.",
  ],
  [
    "a data directory among etcd-host's records",
    { dataDir: "/var/lib/etcd-host/data" },
    "dataDir: /var/lib/etcd-host/data is where this program keeps what runs on hosts, and its records; use a folder for etcd alone, like /var/lib/etcd.",
  ],
  [
    "a data directory among what root runs",
    { dataDir: "/opt/etcd" },
    "dataDir: /opt/etcd is where this program keeps what runs on hosts, and its records; use a folder for etcd alone, like /var/lib/etcd.",
  ],
  [
    "a data directory in a home",
    { dataDir: "/home/etcd/data" },
    "dataDir: /home/etcd/data belongs to the system; use a folder for etcd alone, like /var/lib/etcd.",
  ],
  [
    "an unknown node in the order",
    { rolloutOrder: ["node1", "node4"] },
    'rolloutOrder[1]: there is no node "node4"; did you mean node1.',
  ],
  [
    "a node twice in the order",
    { rolloutOrder: ["node1", "node1"] },
    "rolloutOrder[1]: node1 is listed twice; list each node once.",
  ],
  ["a negative checkId", { checkId: -1 }, "checkId: must be at least 0, not -1."],
  [
    "an unknown override",
    { allow: ["two-node-restarts"] },
    'allow[0]: "two-node-restarts" is not an override; did you mean two-node-restart.',
  ],
  [
    "an override of host keys",
    { allow: ["missing-host-keys"] },
    'allow[0]: "missing-host-keys" is not an override; choose from version-below-security-floor, two-node-restart, nospace-alarm, downgrade, expired-ca, restore-healthy-cluster, foreign-snapshot, foreign-etcd, foreign-archive, gone-instances.',
  ],
  ["protect as a number", { protect: 1 }, "protect: must be true or false, not 1."],
] as const) {
  test(`${what} is refused in one sentence`, () => {
    assert.deepEqual(problems(values), [sentence]);
  });
}

test("every override is accepted by its name, in the order given", () => {
  const allow = ["downgrade", "nospace-alarm", "two-node-restart", "version-below-security-floor"];
  assert.deepEqual(config({ allow }).allow, allow);
  assert.deepEqual(config().allow, []);
});

test("data directories of etcd's own are accepted", () => {
  for (const dataDir of ["/var/lib/etcd", "/srv/etcd", "/data", "/mnt/disk1/etcd", "/opt/etcd-data"]) {
    assert.equal(config({ dataDir }).dataDir, dataDir);
  }
  assert.equal(config({ dataDir: "/srv/etcd/" }).dataDir, "/srv/etcd");
});

/** The configuration of a stack as the engine hands it over: everything as text, objects as JSON. */
function setStack(values: Readonly<Record<string, unknown>>, secretKeys: string[] = []): void {
  const texts = Object.entries(values).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(texts), secretKeys);
  process.env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(secretKeys); // as the language host does
}

const stackNodes = threeNodes.map((node) => ({ ...node, hostKey: hostKey() }));

test("loadConfig reads the engine's texts, and leaves other namespaces alone", async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
    "etcd",
    "test",
  );
  setStack(
    {
      "etcd:nodes": stackNodes,
      "etcd:sshPrivateKey": privateKey,
      "etcd:checkId": 3,
      "etcd:protect": false,
      "etcd:autoCompactionRetention": "8",
      "aws:region": "eu-central-1",
    },
    ["etcd:sshPrivateKey"],
  );
  const { sshPrivateKey, ...plain } = loadConfig();
  assert.equal(plain.checkId, 3);
  assert.equal(plain.protect, false);
  assert.equal(plain.settings.autoCompactionRetention, "8");
  assert.ok(!JSON.stringify(plain).includes("PRIVATE KEY"));
  assert.ok(sshPrivateKey !== undefined && (await pulumi.isSecret(sshPrivateKey)));
});

test("loadConfig throws all sentences, those of secrets in clear text too, as one error that Pulumi shows without a stack trace", async () => {
  await pulumi.runtime.setMocks(
    { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
    "etcd",
    "test",
  );
  setStack({
    "etcd:nodes": stackNodes,
    "etcd:sshPrivateKey": privateKey,
    "etcd:checkID": 3,
    "etcd:protect": "maybe",
  });
  assert.throws(loadConfig, (error) => {
    assert.ok(pulumi.RunError.isInstance(error));
    assert.equal(
      String(error.message),
      [
        "this stack cannot come up as configured, for 3 reasons; nothing was changed:",
        "- checkID: no such setting; did you mean checkId.",
        '- protect: must be true or false, not "maybe".',
        "- sshPrivateKey: is in the stack file in clear text; make a new key, and set it with pulumi config set --secret sshPrivateKey < KEYFILE.",
      ].join("\n"),
    );
    return true;
  });
});

test("keys of CAs in clear text are refused, without being shown", () => {
  const caKeys = { "client-2": privateKey };
  setStack({ "etcd:nodes": stackNodes, "etcd:sshPrivateKey": privateKey, "etcd:caKeys": caKeys }, [
    "etcd:sshPrivateKey",
  ]);
  assert.throws(loadConfig, (error) => {
    const message = String(Object(error).message);
    assert.match(
      message,
      /caKeys: is in the stack file in clear text; .* --secret --path 'caKeys\.client-2' < KEYFILE\./,
    );
    assert.doesNotMatch(message, /PRIVATE KEY/);
    return true;
  });
});
