import assert from "node:assert/strict";
import { test } from "node:test";
import { config, hostKey, problems, read, threeNodes } from "./configuration.ts";

const [first, second, third] = threeNodes;

/** Three nodes, the second of them changed. */
function withSecond(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { nodes: [first, { ...second, ...changes }, third] };
}

test("a node needs a name and an address; the rest follows", () => {
  assert.deepEqual(config().nodes[1], {
    name: "node2",
    address: "192.168.1.102",
    listenAddress: "192.168.1.102",
    sshAddress: "192.168.1.102",
    sshPort: 22,
    hostKey: hostKey(),
    incarnation: 1,
    issue: 1,
    lost: false,
  });
});

test("everything about a node can be set", () => {
  const node = {
    name: "db-2",
    address: "Db-2.Example.com",
    listenAddress: "10.0.0.2",
    sshAddress: "127.0.0.1",
    sshPort: 2202,
    hostKey: hostKey("ecdsa-sha2-nistp256"),
    incarnation: 3,
    issue: 1,
    lost: false,
  };
  assert.deepEqual(config(withSecond(node)).nodes[1], { ...node, address: "db-2.example.com" });
});

test("a node known by a DNS name listens on all addresses", () => {
  assert.equal(config(withSecond({ address: "b.example.com" })).nodes[1]?.listenAddress, "0.0.0.0");
});

test("ssh.port is the port of every node without its own", () => {
  const ssh = { privateKeyFile: "~/.ssh/id_ed25519", port: 2222 };
  const nodes = threeNodes.map((node) => ({ ...node, hostKey: hostKey() }));
  nodes[2] = { ...(nodes[2] ?? { name: "", address: "", hostKey: "" }), ...{ sshPort: 22 } };
  assert.deepEqual(
    config({ ssh, nodes }).nodes.map((node) => node.sshPort),
    [2222, 2222, 22],
  );
});

for (const [what, changes, sentence] of [
  ["no name", { name: undefined }, "nodes[1].name: is missing; give the node a name like node1."],
  [
    "a name that is no label",
    { name: "Node_2" },
    'nodes[1].name: "Node_2" is not a host label; use 1 to 63 lower-case letters, digits and inner hyphens, like node1.',
  ],
  [
    "a name that is too long",
    { name: "n".repeat(64) },
    `nodes[1].name: "${"n".repeat(64)}" is not a host label; use 1 to 63 lower-case letters, digits and inner hyphens, like node1.`,
  ],
  ["a name that is a number", { name: 2 }, "nodes[1].name: must be a string, not 2; put it in quotes."],
  [
    "a name twice",
    { name: "node1" },
    "nodes[1].name: node1 is already used by nodes[0]; every node needs a name of its own.",
  ],
  [
    "no address",
    { address: "" },
    "nodes[1].address: is missing; give the address at which the other nodes reach this one.",
  ],
  [
    "an address twice",
    { address: "192.168.1.101" },
    "nodes[1].address: 192.168.1.101 is already used by nodes[0]; every node needs a machine of its own.",
  ],
  [
    "an address with a port",
    { address: "10.0.0.2:22" },
    'nodes[1].address: "10.0.0.2:22" has a port; give only the address.',
  ],
  [
    "the loopback as address",
    { address: "127.0.0.1" },
    'nodes[1].address: "127.0.0.1" is the host itself (loopback); give the address at which the other nodes reach this one.',
  ],
  [
    "an ssh address twice",
    { sshAddress: "192.168.1.101" },
    "nodes[1].sshAddress: 192.168.1.101:22 is already used by nodes[0]; both would be configured on the same machine.",
  ],
  [
    "a listen address that is a name",
    { listenAddress: "b.example.com" },
    'nodes[1].listenAddress: "b.example.com" is a DNS name, but etcd listens on IP addresses only; use an IP address of the host, or 0.0.0.0.',
  ],
  [
    "the loopback as listen address",
    { listenAddress: "127.0.0.1" },
    'nodes[1].listenAddress: "127.0.0.1" is the host itself (loopback); use an IP address of the host, or 0.0.0.0.',
  ],
  ["an ssh port out of range", { sshPort: 70000 }, "nodes[1].sshPort: must be from 1 to 65535, not 70000."],
  ["an ssh port in quotes", { sshPort: "22" }, 'nodes[1].sshPort: must be a whole number, not "22".'],
  ["incarnation 0", { incarnation: 0 }, "nodes[1].incarnation: must be at least 1, not 0."],
  ["lost as a text", { lost: "yes" }, 'nodes[1].lost: must be true or false, not "yes".'],
  ["an unknown key", { adress: "10.0.0.2" }, "nodes[1].adress: no such setting; did you mean address."],
  ["port", { port: 22 }, "nodes[1].port: no such setting; did you mean sshPort."],
] as const) {
  test(`${what} is refused in one sentence`, () => {
    assert.deepEqual(problems(withSecond(changes)), [sentence]);
  });
}

test("two spellings of one IPv6 address are one address", () => {
  const nodes = [{ name: "a", address: "2001:db8::1" }, { name: "b", address: "2001:DB8:0::1" }, third];
  assert.deepEqual(problems({ nodes }), [
    "nodes[1].address: 2001:db8::1 is already used by nodes[0]; every node needs a machine of its own.",
  ]);
});

test("a node that is no object is named", () => {
  assert.deepEqual(problems({ nodes: [first, "192.168.1.102", third] }), [
    'nodes[1]: must be an object, not "192.168.1.102".',
  ]);
  assert.deepEqual(problems({ nodes: "node1" }).slice(0, 1), ['nodes: must be a list, not "node1".']);
});

function nodes(count: number, lost = 0): readonly object[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `n${i}`,
    address: `10.0.0.${i + 1}`,
    lost: i < lost,
  }));
}

for (const count of [1, 3, 5, 7]) {
  test(`${count} nodes are right`, () => assert.deepEqual(problems({ nodes: nodes(count) }), []));
}

for (const [count, sentence] of [
  [0, "nodes: no node is declared; list 1, 3, 5 or 7 machines."],
  [2, "nodes: 2 nodes tolerate 0 failures, no more than 1 would; use 1, 3, 5 or 7."],
  [4, "nodes: 4 nodes tolerate 1 failure, no more than 3 would; use 1, 3, 5 or 7."],
  [6, "nodes: 6 nodes tolerate 2 failures, no more than 5 would; use 1, 3, 5 or 7."],
  [9, "nodes: 9 nodes are more than the 7 that etcd works well with; use 3, 5 or 7."],
] as const) {
  test(`${count} nodes are refused`, () => assert.deepEqual(problems({ nodes: nodes(count) }), [sentence]));
}

test("lost nodes do not count; an even number that they leave only warns", () => {
  const parsed = read({ nodes: nodes(5, 1) });
  assert.deepEqual(parsed.problems, []);
  assert.deepEqual(parsed.warnings, [
    "nodes: 4 nodes tolerate 1 failure, no more than 3 would; replace the lost one soon.",
  ]);
  assert.deepEqual(read({ nodes: nodes(4, 1) }).warnings, []);
  assert.deepEqual(problems({ nodes: nodes(3, 3) }), [
    "nodes: all nodes are declared lost; at least one must remain.",
  ]);
});
