// What a member was last told, kept in the cluster: a change that failed is not forgotten when it is taken back.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { FakeCluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { UNIT } from "./member.ts";
import { BROKEN_UNIT, NEW_UNIT, roll, rollingCluster, rollOptions } from "./rolling.ts";

const toldTo = (host: Host) => /^etcd-host\/steps\/node1 (.*)$/m.exec(host.read("answers/keys"))?.[1];
const DIGEST = "0123456789abcdef";

function digestOf(host: Host, unit: string): string {
  const words = rollOptions(host).filter((word) => !/^--(owner|machine)=/.test(word));
  const lines = words.map((word) => `${word}\n`).join("");
  return createHash("sha256")
    .update(lines + unit)
    .digest("hex")
    .slice(0, 16);
}

test("a member's step records what it told the member, before the restart", async (t) => {
  const { host } = await rollingCluster(t);
  assert.equal((await roll(host)).code, 0);
  assert.equal(toldTo(host), digestOf(host, NEW_UNIT));
  assert.match(host.read("asked-before"), / put etcd-host\/steps\/node1 [0-9a-f]{16}\n/);
});

test("a step that has nothing to restart records it just the same", async (t) => {
  const { host } = await rollingCluster(t);
  assert.equal((await roll(host, {}, { unit: UNIT })).code, 0);
  assert.equal(toldTo(host), digestOf(host, UNIT));
});

for (const before of [DIGEST, undefined]) {
  test(`a change that is rolled back is taken back in the record, too: ${before ?? "none"} before`, async (t) => {
    const cluster = await rollingCluster(t);
    if (before !== undefined) cluster.told = { node1: before };
    cluster.answer();
    assert.equal((await roll(cluster.host, {}, { unit: BROKEN_UNIT })).code, 1);
    assert.equal(toldTo(cluster.host), before);
  });
}

test("what cannot be recorded is not done", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.host.write("answers/refused/put", "etcdserver: request timed out\n");
  const { code, stderr } = await roll(cluster.host);
  assert.equal(code, 3);
  assert.match(stderr, /refused: the cluster cannot record what node1 is told: .*request timed out/);
  assert.deepEqual(cluster.host.systemdCalls(), []);
});

test("with an alarm that is allowed nothing can be written, so what was told before is taken out", async (t) => {
  const cluster = await rollingCluster(t);
  cluster.told = { node1: DIGEST };
  cluster.alarms = "memberID:8325025528367255048 alarm:NOSPACE \n";
  cluster.answer();
  cluster.host.write("answers/refused/put", "etcdserver: mvcc: database space exceeded\n".repeat(9));
  const { code, stderr } = await roll(cluster.host, { allow: "nospace-alarm" });
  assert.equal(code, 0, stderr);
  assert.equal(toldTo(cluster.host), undefined);
});

async function proving(t: TestContext, told: Readonly<Record<string, string>>): Promise<FakeCluster> {
  const cluster = await FakeCluster.create(t);
  cluster.told = { ...told };
  cluster.answer();
  cluster.declared.push(`told node1 ${DIGEST}\n`, `told node2 ${DIGEST}\n`);
  return cluster;
}

test("a proof records what founders were told, and takes a member that was told something else for unproven", async (t) => {
  const cluster = await proving(t, { node2: DIGEST });
  assert.equal((await cluster.prove()).code, 0);
  assert.equal(toldTo(cluster.host), DIGEST);

  const failed = await proving(t, { node1: "fedcba9876543210", node2: DIGEST });
  const { code, stdout, stderr } = await failed.host.shell(
    "TOLD_SECONDS=0; cmd_prove",
    ["--version=3.6.14"],
    {
      stdin: `${failed.declared.join("")}deployed\n{}\n`,
    },
  );
  assert.deepEqual([code, stdout], [5, ""]);
  assert.match(
    stderr,
    /^etcd-host: what node1 was told last is not what is declared: .* Raise etcd:checkId, /,
  );
});

test("who has begun to serve late has as long to say what it was told", async (t) => {
  const cluster = await proving(t, { node1: "fedcba9876543210", node2: DIGEST });
  const { host } = cluster;
  host.fake(
    "date",
    'case " $* " in *" -d "*) exec /bin/date "$@" ;; esac\nexec /bin/date -d "$(cat "$HOST_ROOT/clock") seconds" "$@"',
  );
  host.write("clock", "0");
  host.write("answers/unanswered/health", "one call\n");
  // the first time nobody is healthy yet; the second time all are, and one still has to say it
  host.fake(
    "sleep",
    'if [ "$(cat "$HOST_ROOT/clock")" = 0 ]; then echo 30 >|"$HOST_ROOT/clock"; else sed -i "s/fedcba9876543210/0123456789abcdef/" "$HOST_ROOT/answers/keys"; fi',
  );
  const { code, stderr } = await host.shell(
    "TOLD_SECONDS=20; CLOCK_LIMIT_S=60; cmd_prove",
    ["--version=3.6.14"],
    {
      stdin: `${cluster.declared.join("")}deployed\n{}\n`,
    },
  );
  assert.deepEqual([code, stderr], [0, ""]);
});

test("what was kept to be told is forgotten with the next change", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("var/lib/etcd-host/told", `node1 ${DIGEST}\n`);
  assert.equal((await roll(host)).code, 0);
  assert.equal(host.exists("var/lib/etcd-host/told"), false);
  assert.equal(toldTo(host), digestOf(host, NEW_UNIT));
});

test("a member that starts without a quorum tells the cluster once it serves", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("var/lib/etcd-host/told", `node1 ${DIGEST}\n`);
  assert.equal((await host.run(["served"])).code, 0);
  assert.equal(toldTo(host), DIGEST);
  assert.equal(host.exists("var/lib/etcd-host/told"), false);

  host.write("var/lib/etcd-host/told", `node1 ${DIGEST}\n`);
  host.write("answers/refused/put", "etcdserver: request timed out\n");
  await host.run(["served"]);
  assert.equal(host.read("var/lib/etcd-host/told"), `node1 ${DIGEST}\n`, "it is kept until it was told");
});
