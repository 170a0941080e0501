// prove: what it writes into the cluster, and what it makes of answers that are refusals.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked, FakeCluster } from "./cluster.ts";

test("the incarnations that are proven are recorded in the cluster, all at once and only if they are not yet", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.declared[1] = cluster.declared[1]?.replace(/1\n$/, "2\n") ?? "";
  cluster.recorded = { node1: 1, node2: 1, node4: 1 };
  cluster.answer();
  const { host } = cluster;
  assert.equal((await cluster.prove()).code, 0);
  assert.deepEqual(changesAsked(host), ["txn"]);
  assert.equal(host.read("answers/ops"), "put etcd-host/members/node2 2\nput etcd-host/members/node3 1\n");
  cluster.recorded = { node1: 1, node2: 2, node3: 1 };
  cluster.answer();
  await cluster.prove();
  assert.deepEqual(changesAsked(host), ["txn"]);
});

test("a cluster that does not say what it has recorded is not proven, and nothing is written", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  cluster.host.write("answers/unanswered/get", "once\n");
  const { code, stderr } = await cluster.prove();
  assert.equal(code, 5);
  assert.match(
    stderr,
    /: the cluster does not say which members are recorded: Error: context deadline exceeded\n/,
  );
  assert.deepEqual(changesAsked(cluster.host), []);
});

const refusedWrites: Readonly<Record<string, RegExp>> = {
  "etcdserver: no leader": /Error: etcdserver: no leader\n$/,
  "etcdserver: permission denied":
    /etcd's authentication is on, and this host's operator certificate is not that of its user root: set etcd:rbac [^"{}]*\n$/,
};
for (const [answer, sentence] of Object.entries(refusedWrites))
  test(`a cluster that takes no write (${answer}) is not proven`, async (t) => {
    const cluster = await FakeCluster.create(t);
    cluster.recorded = {};
    cluster.answer();
    cluster.host.write("answers/refused/txn", `${answer}\n`);
    const { code, stdout, stderr } = await cluster.prove();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /failed: cannot write to the cluster: /);
    assert.match(stderr, sentence);
  });

test("of what etcdctl says, its log is left out, and what an authentication refuses is named", async (t) => {
  const { host } = await FakeCluster.create(t);
  const say = async (text: string) => (await host.shell("plain_answer", [], { stdin: text })).stdout;
  const log = (error: string) =>
    `{"level":"warn","ts":"2026-11-27T20:55:37Z","caller":"v3@v3.6.14/retry_interceptor.go:68","error":"${error}"}\n`;
  const failed = "Error: etcdserver: request timed out\n";
  assert.equal(await say(`${log("desc = etcdserver: request timed out")}${failed}`), failed);
  for (const reason of ["permission denied", "user name not found", "user name is empty"])
    assert.match(
      await say(log(`rpc error: code = X desc = etcdserver: ${reason}`)),
      /^etcd's authentication is on/,
    );
});
