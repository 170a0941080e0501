import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDeployed } from "../../cluster/topology.ts";
import { deployed } from "./deployment.ts";

const full = {
  ...deployed(3),
  notBefore: "2026-11-21T00:00:00Z",
  former: { node9: { incarnation: 2, lost: true } },
  clientCa: {
    list: [2, 1],
    terms: { "1": { algorithm: "ECDSA-P256", expires: "2031-11-21T00:00:00Z" }, "2": {} },
  },
  peerCa: { list: [1], terms: { "1": { algorithm: "ECDSA-P256" } } },
  issued: {
    app1: [
      { serial: "1", issue: 1, ends: "2027-11-21T00:00:00Z", dropped: true },
      { serial: "2", issue: 2, ends: "2027-11-21T00:00:00Z" },
    ],
  },
  rbac: { auth: true, users: { app1: ["readwrite prefix /app1/"] } },
  restore: { snapshot: "a.db", sha256: "0".repeat(64), id: 1 },
};

test("what a run leaves comes back the same through JSON", () => {
  assert.deepEqual(parseDeployed(JSON.parse(JSON.stringify(full))), full);
  assert.deepEqual(parseDeployed(deployed(1)), deployed(1));
});

test("the first form is read: names of former members, and the terms of the only CA", () => {
  const { form: _, former: __, ...others } = deployed(1);
  const terms = { algorithm: "ECDSA-P256", validityDays: "1825", expires: "2031-11-21T00:00:00Z" };
  assert.deepEqual(parseDeployed({ ...others, former: ["node9"], clientCa: terms }), {
    ...deployed(1),
    former: { node9: { incarnation: 0, lost: false } },
    clientCa: { list: [1], terms: { "1": terms } },
  });
  assert.deepEqual(parseDeployed(others), deployed(1));
});

for (const [newer, what] of [
  [{ form: 3 }, "its form is 3"],
  [{ quotas: {} }, "it has quotas"],
] as const) {
  test(`a record of a newer version is refused, not cut to what is known: ${what}`, () => {
    assert.throws(() => parseDeployed({ ...full, ...newer }), {
      message: `The stack's output "deployed" was written by a newer version of this program (${what}); nothing is changed: run that version.`,
    });
  });
}

test("addresses that a member had come back in their order, and only for who had any", () => {
  const { node1, node2 } = deployed(2).nodes;
  const moved = {
    ...deployed(2),
    nodes: { node1, node2: { ...node2, formerAddresses: ["10.0.0.8", "10.0.0.12"] } },
  };
  assert.deepEqual(parseDeployed(JSON.parse(JSON.stringify(moved))), moved);
});

test("how a host is logged in to comes back as it was recorded", () => {
  const { node1 } = deployed(1).nodes;
  const login = { user: "root", bastion: null, authorizedKeys: ["ssh-ed25519 AAAA ops"] };
  const withLogin = { ...deployed(1), nodes: { node1: { ...node1, login } } };
  assert.deepEqual(parseDeployed(JSON.parse(JSON.stringify(withLogin))), withLogin);
});

test("a new stack has nothing deployed", () => {
  assert.equal(parseDeployed(undefined), undefined);
  assert.equal(parseDeployed(null), undefined);
});

const node = full.nodes.node1;

for (const [value, what] of [
  ["text", "it is not an object"],
  [{}, "nodes is not an object"],
  [{ ...full, nodes: {} }, "it names no node"],
  [{ ...full, nodes: { node1: "10.0.0.1" } }, "nodes.node1 is not an object"],
  [
    { ...full, nodes: { node1: { ...node, incarnation: "1" } } },
    "nodes.node1.incarnation is not a whole number",
  ],
  [
    { ...full, nodes: { node1: { ...node, initialState: "old" } } },
    "nodes.node1.initialState is neither new nor existing",
  ],
  [{ ...full, nodes: { node1: { ...node, address: 1 } } }, "nodes.node1.address is not a string"],
  [
    { ...full, nodes: { node1: { ...node, formerAddresses: "10.0.0.9" } } },
    "nodes.node1.formerAddresses is not a list",
  ],
  [
    { ...full, nodes: { node1: { ...node, formerAddresses: ["10.0.0.9", 8] } } },
    "nodes.node1.formerAddresses contains something other than strings",
  ],
  [
    { ...full, nodes: { node1: { ...node, formerAddresses: null } } },
    "nodes.node1.formerAddresses is not a list",
  ],
  [{ ...full, nodes: { node1: { ...node, login: "root" } } }, "nodes.node1.login is not an object"],
  [{ ...full, version: undefined }, "version is not a string"],
  [{ ...full, token: "" }, "token is not a string"],
  [{ ...full, former: "node9" }, "former is not an object"],
  [{ ...full, former: { node9: { incarnation: 1 } } }, "former.node9.lost is neither true nor false"],
  [{ ...full, former: { node9: { lost: true } } }, "former.node9.incarnation is not a whole number"],
  [{ ...full, peerCa: { list: 1 } }, "peerCa.list is not a list"],
  [{ ...full, peerCa: { list: [1] } }, "peerCa.terms is not an object"],
  [{ ...full, former: [9] }, "former contains something other than strings"],
  [{ ...full, issued: { app1: {} } }, "issued.app1 is not a list"],
  [
    { ...full, issued: { app1: [{ serial: "0x1", issue: 1, ends: "x" }] } },
    "issued.app1.serial is not a number",
  ],
  [{ ...full, issued: { app1: [{ serial: "1", ends: "x" }] } }, "issued.app1.issue is not a whole number"],
  [{ ...full, clientCa: { expires: 5 } }, "clientCa.expires is not a string"],
] as const) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseDeployed(value), {
      message: `The stack's output "deployed" cannot be used: ${what}; it may come from another program or version, so nothing is changed.`,
    });
  });
}
