import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems, threeNodes } from "./configuration.ts";

type Values = Readonly<Record<string, unknown>>;

const saysOf = (client: Values, more: Values = {}) => problems({ clients: [client], ...more });
const granting = (grant: Values) => saysOf({ name: "app1", access: [grant] }, { rbac: true });

test("nobody else has a certificate, nothing is revoked and authentication is not managed, by default", () => {
  const { clients, revocation, ...rest } = config();
  assert.deepEqual(
    { clients, revocation, managed: "rbac" in rest },
    { clients: [], revocation: false, managed: false },
  );
});

test("only a name is needed; the rest is that of all leaf certificates", () => {
  assert.deepEqual(config({ clients: [{ name: "app1" }], leafValidityDays: 100 }).clients, [
    { name: "app1", validityDays: 100, issue: 1, access: [] },
  ]);
});

test("all of a client is read", () => {
  const access = [
    { prefix: "/registry/", may: "readwrite" },
    { key: "compact_rev_key", may: "read" },
  ];
  const app = { name: "kube-apiserver", organization: "team a", validityDays: 90, issue: 2 };
  const parsed = config({ clients: [{ ...app, access }], rbac: true, revocation: true });
  assert.deepEqual(parsed.clients, [
    {
      ...app,
      access: [
        { range: "prefix", key: "/registry/", may: "readwrite" },
        { range: "key", key: "compact_rev_key", may: "read" },
      ],
    },
  ]);
  assert.deepEqual([parsed.rbac, parsed.revocation], [true, true]);
  assert.equal(config({ rbac: false }).rbac, false);
});

test("a host's own certificates get new keys by its issue", () => {
  const nodes = threeNodes.map((node, index) => (index === 1 ? { ...node, issue: 2 } : node));
  assert.deepEqual(
    config({ nodes }).nodes.map(({ issue }) => issue),
    [1, 2, 1],
  );
  assert.deepEqual(problems({ nodes: threeNodes.map((node) => ({ ...node, issue: 0 })) }), [
    "nodes[0].issue: must be at least 1, not 0.",
    "nodes[1].issue: must be at least 1, not 0.",
    "nodes[2].issue: must be at least 1, not 0.",
  ]);
});

for (const [name, what] of [
  ["root", "etcd's own superuser"],
  ["etcd-client", "the administrator's common name"],
  ["node2", "the name of a node"],
  ["node2-operator", "what the certificates of hosts are called"],
  ["node9-server", "what the certificates of hosts are called"],
] as const)
  test(`a client cannot be ${what}`, () => {
    assert.deepEqual(saysOf({ name }), [`clients[0].name: ${name} is ${what}; choose another name.`]);
  });

test("a name is a host label, and of one client only", () => {
  assert.deepEqual(problems({ clients: [{ name: "App 1" }, {}, { name: "a" }, { name: "a" }] }), [
    'clients[0].name: "App 1" is not a host label; use 1 to 63 lower-case letters, digits and inner hyphens, like app1.',
    "clients[1].name: is missing; give the client a name like app1.",
    "clients[3].name: a is already used by clients[2]; every client needs a name of its own.",
  ]);
});

test("what a certificate cannot have is refused", () => {
  assert.deepEqual(saysOf({ name: "app1", validityDays: 366, issue: 0, organization: " a", days: 9 }), [
    "clients[0].days: no such setting; choose from name, organization, validityDays, issue, access.",
    'clients[0].organization: " a" is not an organization; write it like team-a.',
    "clients[0].validityDays: 366 days are more than the 365 of all leaf certificates (leafValidityDays); use fewer.",
    "clients[0].issue: must be at least 1, not 0.",
  ]);
});

test("access needs authentication", () => {
  const app = { name: "app1", access: [{ prefix: "/app1/", may: "read" }] };
  const refusal = "clients[0].access: has no effect without authentication; set rbac: true, or leave it out.";
  assert.deepEqual(saysOf(app), [refusal]);
  assert.deepEqual(saysOf(app, { rbac: false }), [refusal]);
  assert.deepEqual(saysOf(app, { rbac: true }), []);
});

for (const [grant, says] of [
  [{ may: "read" }, "clients[0].access[0]: names no keys; give one of them, like prefix: /app1/."],
  [
    { prefix: "/a/", key: "/a", may: "read" },
    "clients[0].access[0]: names both a prefix and a key; give one of them, like prefix: /app1/.",
  ],
  [
    { prefix: "", may: "read" },
    "clients[0].access[0].prefix: is empty, which would be every key, the program's own among them; name the client's part.",
  ],
  [
    { prefix: "etcd-h", may: "read" },
    'clients[0].access[0].prefix: "etcd-h" has etcd-host/ in it, where the program keeps its own keys; choose another.',
  ],
  [
    { key: "etcd-host/steps/node1", may: "write" },
    'clients[0].access[0].key: "etcd-host/steps/node1" is in etcd-host/, where the program keeps its own keys; choose another.',
  ],
  [
    { prefix: "/my app/", may: "read" },
    'clients[0].access[0].prefix: "/my app/" has a character that is no printable ASCII; choose others.',
  ],
  [{ prefix: "/a/" }, "clients[0].access[0].may: is missing; choose from read, write, readwrite."],
  [
    { prefix: "/a/", may: "reed" },
    'clients[0].access[0].may: "reed" is not one of read, write, readwrite; did you mean read.',
  ],
] as const)
  test(`access ${JSON.stringify(grant)} is refused`, () => {
    assert.deepEqual(granting(grant), [says]);
  });

test("keys that only begin like the program's own are a client's", () => {
  assert.deepEqual(granting({ key: "etcd", may: "read" }), []);
  assert.deepEqual(granting({ prefix: "etcd-hosts", may: "read" }), []);
});

test("the same keys are granted once", () => {
  const twice = [
    { prefix: "/a/", may: "read" },
    { prefix: "/a/", may: "write" },
  ];
  assert.deepEqual(saysOf({ name: "app1", access: twice }, { rbac: true }), [
    'clients[0].access[1]: the prefix "/a/" is listed twice; list it once.',
  ]);
});

test("where the program revokes, the list of its own is the only one", () => {
  const extraFlags = { "client-crl-file": "/etc/etcd/mine.crl" };
  assert.deepEqual(problems({ extraFlags }), []);
  assert.deepEqual(problems({ extraFlags, revocation: true }), [
    "extraFlags.client-crl-file: revocation: true has a list of its own; leave one of them out.",
  ]);
});
