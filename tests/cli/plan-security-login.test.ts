// Where private keys are sent, and who may log in there: hostile pull requests, and what the comment says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviations } from "../../cli/plan/compare.ts";
import { parsePreview } from "../../cli/plan/preview.ts";
import { loginRows } from "../../cli/plan/security-login.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { Json } from "../../lib/json.ts";
import { config, hostKey } from "../unit/configuration.ts";
import { deployed } from "../unit/deployment.ts";
import { comes, type Parts } from "./preview.ts";
import {
  connects,
  type Hostile,
  nodes,
  planWith,
  proven,
  registered,
  step,
  testComments,
} from "./security-plans.ts";

/** Its former member is known, and nothing of how it is reached. */
function without(name: string): Deployed {
  const { nodes: all, ...rest } = proven();
  const others = Object.entries(all).filter(([other]) => other !== name);
  return { ...rest, nodes: Object.fromEntries(others), former: { [name]: { incarnation: 1, lost: true } } };
}

/** The component stayed in the state, and its steps did not. */
function stepsOf(name: string): NonNullable<Parts["changes"]> {
  return Object.fromEntries(Object.entries(comes(name)).filter(([part]) => part.startsWith(name)));
}

const NODE2_AT_6666 = [
  /^\| trust: ssh target of node2 \| none \| 6\.6\.6\.6:22 \(the host's private keys are sent there\) \|$/,
  /^\| trust: ssh host key of node2 \| none \| ssh-ed25519 SHA256:\S+ \|$/,
  /^\| login: ssh user of node2 \| none \| root \|$/,
];

const hostile: Hostile = {
  "ssh goes to another machine, with that machine's host key": [
    planWith({
      config: { "etcd:nodes": nodes({ sshAddress: "203.0.113.9", hostKey: hostKey("ssh-ed25519", 9) }) },
      changes: connects("node2") ?? {},
    }),
    [
      /^\| trust: ssh host key of node2 \| ssh-ed25519 SHA256:(\S+) \| ssh-ed25519 SHA256:(?!\1)\S+ \|$/,
      /^\| trust: ssh target of node2 \| 10\.0\.0\.2:22 \| 203\.0\.113\.9:22 \(the host's private keys are sent there\) \|$/,
    ],
  ],
  "the same on a stack whose last proof recorded no login": [
    planWith(
      {
        config: { "etcd:nodes": nodes({ sshAddress: "203.0.113.9" }) },
        changes: connects("node2") ?? {},
      },
      { before: deployed(3) },
    ),
    [
      /^\| trust: ssh target of node2 \| not recorded \| 203\.0\.113\.9:22 \(the host's private keys are sent there\) \|$/,
      /^\| trust: ssh host key of node2 \| not recorded \| ssh-ed25519 SHA256:\S+ \|$/,
      /^\| trust: ssh bastion of node2 \| not recorded \| none \|$/,
      /^\| login: ssh user of node2 \| not recorded \| root \|$/,
      /^\| login: key of the ssh login of node2 \| not recorded \| not shown \|$/,
    ],
  ],
  "a node that was declared lost at another address first, then comes back with a new incarnation": [
    planWith(
      {
        config: {
          "etcd:nodes": nodes({ sshAddress: "6.6.6.6", hostKey: hostKey("ssh-ed25519", 6), incarnation: 2 }),
        },
        changes: stepsOf("node2"),
      },
      {
        before: without("node2"),
        outputs: { ...registered, "etcd:host:SshHost::node2": { address: "6.6.6.6", port: 22 } },
      },
    ),
    NODE2_AT_6666,
  ],
  "the same with steps that stayed in the state": [
    planWith(
      {
        config: {
          "etcd:nodes": nodes({ sshAddress: "6.6.6.6", hostKey: hostKey("ssh-ed25519", 6), incarnation: 2 }),
        },
        changes: connects("node2") ?? {},
      },
      {
        before: without("node2"),
        outputs: { ...registered, "etcd:host:SshHost::node2": { address: "6.6.6.6", port: 22 } },
      },
    ),
    NODE2_AT_6666,
  ],
  "another port and login": [
    planWith({
      config: {
        "etcd:ssh": '{"user":"mallory","agent":true}',
        "etcd:nodes": nodes({ sshPort: 2222 }),
      },
      changes: { ...connects("node1"), ...connects("node2"), ...connects("node3") },
    }),
    [
      /^\| trust: ssh target of node2 \| 10\.0\.0\.2:22 \| 10\.0\.0\.2:2222 /,
      /^\| login: ssh user of node1, node2, node3 \| root \| mallory \|$/,
    ],
  ],
  "a bastion in between": [
    planWith({
      config: {
        "etcd:ssh": JSON.stringify({
          user: "root",
          agent: true,
          bastion: { address: "203.0.113.1", hostKey: hostKey("ssh-ed25519", 7) },
        }),
      },
      changes: connects("node1") ?? {},
    }),
    [
      /^\| trust: ssh bastion of node1, node2, node3 \| none \| root at 203\.0\.113\.1:22, ssh-ed25519 SHA256:\S+ \|$/,
    ],
  ],
  "another key of the login": [
    planWith({ changes: connects("node1") ?? {} }),
    [/^\| login: key of the ssh login of node1 \| not shown \| another one \|$/],
  ],
};

testComments(hostile);

test("a failed run is taken up again: what was approved is asked for again, done hosts or not", () => {
  const config = { "etcd:nodes": nodes({ sshAddress: "203.0.113.9" }) };
  const component = (address: string) => ({
    ...registered,
    "etcd:host:SshHost::node2": { address, port: 22, hostKey: hostKey(), user: "root", bastion: null },
  });
  const changes = connects("node2") ?? {};
  const approved = planWith({ config, changes }, { outputs: component("10.0.0.2") });
  assert.equal(approved.security.length, 1);
  const declared = component("203.0.113.9");
  const reached = { ...connects("node2"), "node2-host": { op: "same" } };
  for (const left of [changes, reached]) {
    const again = planWith({ config, changes: left }, { outputs: declared });
    assert.deepEqual(again.security, approved.security);
    assert.deepEqual(
      deviations(approved, again).filter((one) => one.startsWith("security")),
      [],
    );
  }
});

test("a stack whose last proof recorded no login, and whose connections stay: nothing is shown", () => {
  assert.deepEqual(planWith({}, { before: deployed(3) }).security, []);
});

test("on EC2: login keys, the user and the bastion against what the proof recorded; the host key is the program's", () => {
  const [key, other] = [hostKey("ssh-ed25519", 3), hostKey("ssh-ed25519", 4)];
  const rows = (login: Json | undefined, keys: readonly string[], steps: readonly object[] = []) => {
    const { resources } = parsePreview(JSON.stringify({ steps }));
    const [node = assert.fail("there is no node")] = config().nodes;
    const ssh = { user: "admin", agent: true };
    const { node1 = assert.fail("there is no node"), ...others } = deployed(1).nodes;
    const before = { ...deployed(1), nodes: { ...others, node1: { ...node1, ...(login && { login }) } } };
    const aws = { authorizedKeys: keys };
    return loginRows(resources, { nodes: [node], aws, ssh }, before).map(
      ({ what, old, new: now }) => `${what}: ${old} → ${now}`,
    );
  };
  const recorded = { authorizedKeys: [key], user: "admin", bastion: null };
  assert.deepEqual(rows(recorded, [key]), []);
  assert.deepEqual(rows(recorded, []), [], "without listed keys the instances stay as they are");
  assert.match(
    rows(recorded, [key, `${other} mallory@evil`]).join(),
    /^login keys \(aws\.authorizedKeys\): ssh-ed25519 SHA256:(\S+) → ssh-ed25519 SHA256:\1, ssh-ed25519 SHA256:\S+$/,
  );
  assert.deepEqual(rows({ ...recorded, user: "root" }, [key]), ["ssh user: root → admin"]);
  const instance = step("aws:ec2/instance:Instance", "node1-instance", "update", {}, {});
  const changed = { ...instance, diffReasons: ["userData"] };
  assert.match(
    rows(undefined, [other], [changed]).join(),
    /^login keys \S+: not recorded → ssh-ed25519 SHA256:\S+$/,
  );
  const hosts = step("tls:index/privateKey:PrivateKey", "node1-host-key", "replace", {}, {});
  assert.deepEqual(rows(recorded, [key], [hosts]), [
    "ssh host key: the one that is pinned → made by the program",
  ]);
  const connection = {
    ...step("command:remote:Command", "node1-host", "update", {}, {}),
    diffReasons: ["connection"],
  };
  const login = "key of the ssh login, or the address: not shown → another one";
  assert.deepEqual(rows(recorded, [key], [connection]), [login]);
  assert.deepEqual(rows({ ...recorded, user: "root" }, [key], [connection]), ["ssh user: root → admin"]);
  assert.deepEqual(
    rows({ ...recorded, authorizedKeys: [] }, [key], [connection]).length,
    2,
    "both are shown",
  );
});
