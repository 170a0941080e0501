import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeCluster } from "./cluster.ts";
import { VERSION } from "./mirror.ts";

/** A cluster step as Pulumi runs it. */
function run(cluster: FakeCluster, subcommand: "before" | "membership", ...options: string[]) {
  const stdin = cluster.declared.join("");
  return cluster.host.run([subcommand, `--version=${VERSION}`, "--check-id=0", ...options], { stdin });
}

test("while a cluster is founded, nothing is asked of it", async (t) => {
  const cluster = await FakeCluster.create(t);
  for (const subcommand of ["before", "membership"] as const) {
    const { code, stdout, stderr } = await run(cluster, subcommand, "--founding");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^the cluster is being founded: /);
  }
  assert.equal(cluster.host.exists("asked"), false);
});

test("what is not healthy is said before any member is touched", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  assert.deepEqual(await run(cluster, "before"), { code: 0, stdout: "looked at the cluster\n", stderr: "" });
  cluster.health = {
    text: "https://192.0.2.12:2379 is unhealthy: context deadline exceeded\n",
    healthy: false,
  };
  cluster.answer();
  const { code, stderr } = await run(cluster, "before");
  assert.equal(code, 0);
  assert.match(
    stderr,
    /not every member is healthy: https:\/\/192\.0\.2\.12:2379 is unhealthy: context deadline exceeded\n$/,
  );
});

test("a member that is not declared is named", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  assert.equal((await run(cluster, "membership")).stderr, "");
  cluster.members.push({ ...cluster.member(0), name: "node4", id: "7" });
  cluster.answer();
  assert.equal(
    (await run(cluster, "membership")).stderr,
    "etcd-host: node4 is a member, but is not declared\n",
  );
});
