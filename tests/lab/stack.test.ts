import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse, parseDocument } from "yaml";
import type { Lab } from "../../lab/describe.ts";
import { digestsOf, newStack, withLabKeys } from "../../lab/stack.ts";

const lab: Lab = {
  dir: "/cache/lab",
  privateKeyFile: "/cache/lab/ssh/id_ed25519",
  knownHostsFile: "/cache/lab/ssh/known_hosts",
  mirror: "http://192.168.1.1:8080",
  archives: "/cache/etcd",
  nodes: [1, 2, 3].map((n) => ({ name: `node${n}`, address: `192.168.1.${100 + n}` })),
};
const sha256 = { "3.6.14": { amd64: "ab".repeat(32) } };

const dev = `# The article's three hosts.
encryptionsalt: v1:dev
config:
  # one line a host
  etcd:nodes:
    - { name: node1, address: 192.168.1.101 }
  etcd:version: 3.6.14 # the version
  etcd:ssh:
    user: ubuntu
  etcd:sshPrivateKey:
    secure: v1:secret
`;

test("a new stack has what Pulumi.dev.yaml has, with the lab's hosts, key and archives", () => {
  assert.deepEqual(parse(withLabKeys(newStack(dev), lab, sha256).toString()), {
    config: {
      "etcd:nodes": [
        { name: "node1", address: "192.168.1.101" },
        { name: "node2", address: "192.168.1.102" },
        { name: "node3", address: "192.168.1.103" },
      ],
      "etcd:version": "3.6.14",
      "etcd:ssh": {
        user: "root",
        privateKeyFile: "/cache/lab/ssh/id_ed25519",
        knownHostsFile: "/cache/lab/ssh/known_hosts",
      },
      "etcd:mirror": "http://192.168.1.1:8080",
      "etcd:sha256": sha256,
      "etcd:allow": ["foreign-archive"],
      "etcd:protect": false,
    },
  });
});

test("a new stack carries no secret of the other stack, which it could not decrypt", () => {
  const text = newStack(dev).toString();
  assert.doesNotMatch(text, /encryptionsalt|secure/);
});

test("what the user wrote in the lab's stack stays, comments too; the lab's keys are written again", () => {
  const edited = `encryptionsalt: v1:lab
config:
  # slower disks
  etcd:heartbeatMilliseconds: 200 # mine
  etcd:protect: true
  etcd:allow:
    - downgrade # for a day
  etcd:mirror: http://elsewhere
  etcd:nodes:
    - name: node2
      address: 10.0.0.2
      incarnation: 3
    - name: node9
      address: 10.0.0.9
`;
  const text = withLabKeys(parseDocument(edited), lab, sha256).toString();
  assert.match(text, /encryptionsalt: v1:lab\n/);
  assert.match(text, / {2}# slower disks\n {2}etcd:heartbeatMilliseconds: 200 # mine\n/);
  const { config } = parse(text);
  assert.match(text, / {4}- downgrade # for a day\n/);
  assert.deepEqual(config["etcd:allow"], ["downgrade", "foreign-archive"]);
  assert.equal(config["etcd:protect"], false);
  assert.equal(config["etcd:mirror"], "http://192.168.1.1:8080");
  assert.deepEqual(config["etcd:nodes"], [
    { name: "node1", address: "192.168.1.101" },
    { name: "node2", address: "192.168.1.102", incarnation: 3 },
    { name: "node3", address: "192.168.1.103" },
  ]);
});

test("writing the lab's keys a second time changes nothing", () => {
  const once = withLabKeys(newStack(dev), lab, sha256).toString({ lineWidth: 0 });
  assert.equal(withLabKeys(parseDocument(once), lab, sha256).toString({ lineWidth: 0 }), once);
});

test("the digests are those of the archives, and of nothing else in the mirror's folder", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "archives-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "v3.7.0-rc.1"));
  await writeFile(join(folder, "v3.7.0-rc.1", "etcd-v3.7.0-rc.1-linux-arm64.tar.gz"), "abc");
  await writeFile(join(folder, "v3.7.0-rc.1", "SHA256SUMS"), "abc");
  assert.deepEqual(await digestsOf(folder), {
    "3.7.0-rc.1": { arm64: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
  });
});
