// A CA that somebody else made: an intermediate, which is trusted by itself, without the root above it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { certificates, hasSet, preparedHost, runningHost } from "./certificates.ts";
import { FakeCluster, pki } from "./cluster.ts";
import { Authority, authorities, type Pki } from "./pki.ts";

const root = new Authority("Example root");
const given = new Authority("Example etcd CA", root);
const sibling = new Authority("Example mail CA", root);

/** The set of a host by it: each leaf certificate is followed by the CA's own. */
function setBy(issuer: Authority, trusted = given): Pki {
  const server = issuer.issue("node1");
  const operator = issuer.issue("node1-operator", { names: "" });
  return {
    ...pki,
    "client-ca.crt": trusted.certificate,
    "server.crt": server.certificate + issuer.certificate,
    "server.key": server.key,
    "operator.crt": operator.certificate + issuer.certificate,
    "operator.key": operator.key,
  };
}

test("what it issued is taken, by a host that starts and by one that runs with it", async (t) => {
  const sent = setBy(given);
  for (const host of [preparedHost(t), runningHost(t, sent)]) {
    const { code, stderr } = await certificates(host, sent);
    assert.deepEqual([code, stderr], [0, ""]);
    hasSet(host, sent);
  }
});

test("another CA below the same root is a stranger", async (t) => {
  const { code, stderr } = await certificates(preparedHost(t), setBy(sibling));
  assert.equal(code, 3);
  assert.match(stderr, /refused: the server certificate for node1 is not signed by/);
});

test("the proof judges by it", async (t) => {
  const server = given.issue("node2", { names: "IP:127.0.0.1" });
  const cluster = await FakeCluster.create(t, (index) => (index < 3 ? { server } : {}));
  cluster.answer();
  cluster.host.write("etc/etcd/pki/client-ca.crt", authorities.client.certificate + given.certificate);
  const { code, stderr } = await cluster.prove();
  assert.deepEqual([code, stderr], [0, ""]);
});

test("facts name it as what it is", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  cluster.host.write("var/lib/etcd-host/mark", "name=node1\nincarnation=1\n");
  const made = new Authority("etcd-client-ca");
  cluster.host.write("etc/etcd/pki/client-ca.crt", made.certificate + given.certificate);
  const { stdout } = await cluster.host.run(["facts"]);
  const named = [...stdout.matchAll(/^certificate (client-ca\S*) \S+$/gm)].map(([, name]) => name);
  assert.deepEqual(named, ["client-ca", "client-ca-given"]);
});
