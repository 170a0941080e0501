// prove: what it writes down of a healthy cluster, and the one sentence about any other.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { FakeCluster, type FakeMember, PROVE_OPTIONS, proofIn } from "./cluster.ts";
import { VERSION } from "./mirror.ts";

test("a healthy cluster is proven: who the members are, how quick, and what was deployed", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  const deployed = { nodes: { node1: { quote: 'a "b" \\ c' } }, version: VERSION };
  const { code, stdout, stderr } = await cluster.prove(deployed);
  assert.deepEqual([code, stderr], [0, ""]);
  const proof: unknown = proofIn(stdout);
  assert.deepEqual(proof, {
    version: VERSION,
    clusterId: "cdf818194e3a8c32",
    fsyncP99Ms: 4,
    roundTripP99Ms: 0.2,
    members: [
      {
        name: "node1",
        id: "837adeb9ac309ea",
        peerUrl: cluster.member(0).peerUrls[0],
        clientUrl: cluster.member(0).clientUrl,
        leader: false,
      },
      {
        name: "node2",
        id: "73886e9c34638e08",
        peerUrl: cluster.member(1).peerUrls[0],
        clientUrl: cluster.member(1).clientUrl,
        leader: false,
      },
      {
        name: "node3",
        id: "ffffffffffffffff",
        peerUrl: cluster.member(2).peerUrls[0],
        clientUrl: cluster.member(2).clientUrl,
        leader: true,
      },
    ],
    health: `${cluster.host.read("answers/health")}${cluster.host.read("answers/table")}`.trimEnd(),
    recorded: createHash("sha256")
      .update(`${JSON.stringify(deployed, null, 2)}\n`)
      .digest("hex"),
  });
  assert.deepEqual(
    stdout.split("\n").length,
    3,
    "a line of its own, even after one that a login did not end",
  );
  assert.deepEqual(cluster.host.list("run/etcd-host"), ["lock"], "nothing is left behind");
});

test("etcd is asked at every declared member with the operator's certificate, and no answer is waited for too long", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  await cluster.prove();
  const pki = cluster.host.file("etc/etcd/pki");
  const endpoints = cluster.members.map(({ clientUrl }) => clientUrl).join();
  const start = `--cacert=${pki}/client-ca.crt --cert=${pki}/operator.crt --key=${pki}/operator.key --dial-timeout=2s --command-timeout=3s --endpoints=${endpoints} `;
  const asked = cluster.host.read("asked").trim().split("\n");
  assert.equal(asked.length, 6);
  for (const call of asked) assert.ok(call.startsWith(start), call);
});

test("the proof is JSON whatever etcdctl prints", async (t) => {
  const cluster = await FakeCluster.create(t);
  const control = String.fromCharCode(27);
  const text = `{"msg":"a \\"quoted\\" C:\\\\path\\n"}\twith a tab, ${control}[31mred${control}[0m, a return\r and ünïcode\n\n`;
  cluster.health = { text, healthy: true };
  cluster.answer();
  const { stdout } = await cluster.prove();
  const proof: { health: string } = proofIn(stdout);
  const printable = text.replaceAll(control, "").replaceAll("\r", "");
  assert.equal(proof.health, `${printable}| a table \\ of "members" |`);
});

/** What is wrong with a cluster, and the one sentence that says so. */
const problems: readonly [string, (cluster: FakeCluster) => void, RegExp][] = [
  [
    "a member that is not healthy",
    (c) => {
      c.health = {
        text: `{"level":"warn"}\n${c.member(0).clientUrl} is healthy: took = 1ms\nhttps://192.0.2.12:2379 is unhealthy: failed to commit proposal: context deadline exceeded\nError: unhealthy cluster\n`,
        healthy: false,
      };
    },
    /: https:\/\/192\.0\.2\.12:2379 is unhealthy: failed to commit proposal: context deadline exceeded\n$/,
  ],
  [
    "an etcdctl that cannot ask at all",
    (c) => {
      c.health = { text: "Error: open operator.crt: no such file or directory\n", healthy: false };
    },
    /: Error: open operator\.crt: no such file or directory\n$/,
  ],
  [
    "a member that has never started",
    (c) => edit(c, 1, { name: "", clientUrl: "" }),
    /: the member at https:\/\/127\.0\.0\.1:\d+ is in the list but has never started\n$/,
  ],
  ["a learner", (c) => edit(c, 1, { learner: true }), /: node2 is still a learner\n$/],
  [
    "a member that is not declared",
    (c) => c.members.push({ ...c.member(0), name: "node4", id: "7", peerUrls: ["https://192.0.2.14:2380"] }),
    /: the member list has 'node4\|https:\/\/192\.0\.2\.14:2380\|\S+', which is not declared\n$/,
  ],
  [
    "a member with two peer URLs",
    (c) => edit(c, 1, { peerUrls: [...c.member(1).peerUrls, "https://192.0.2.12:2380"] }),
    /: the member list has 'node2\|https:\/\/127\.0\.0\.1:\d+,https:\/\/192\.0\.2\.12:2380\|/,
  ],
  [
    "a declared member that is missing",
    (c) => c.members.splice(1, 1),
    /: a declared member is missing from the member list \(one that was removed joins again with a raised incarnation\): node2\|\S+ *\n$/,
  ],
  [
    "a member that does not answer",
    (c) => edit(c, 1, { version: undefined }),
    /: not every member answers: /,
  ],
  [
    "members of different clusters",
    (c) => edit(c, 1, { clusterId: "14841639068965178419" }),
    /: the members belong to different clusters\n$/,
  ],
  [
    "members that follow different leaders",
    (c) => edit(c, 1, { leader: "592133103447902698" }),
    /: the members do not agree on one leader\n$/,
  ],
  [
    "another version",
    (c) => edit(c, 1, { version: "3.6.13" }),
    /: https:\/\/127\.0\.0\.1:\d+ runs 3\.6\.13, not 3\.6\.14\n$/,
  ],
  [
    "a member that is behind",
    (c) => edit(c, 1, { applied: 900 }),
    /: the member at https:\/\/127\.0\.0\.1:\d+ is 100 log entries behind the leader and does not catch up\n$/,
  ],
  [
    "a corrupt member, of which etcd says no more than that nobody is healthy",
    (c) => {
      c.alarms = "memberID:8325025528367255048 alarm:CORRUPT \n";
      const text =
        "https://192.0.2.12:2379 is unhealthy: failed to commit proposal: Active Alarm(s): CORRUPT \n";
      c.health = { text, healthy: false };
    },
    /: the alarm CORRUPT concerns node2: raise its incarnation, nothing else helps; writes stay refused until then\n$/,
  ],
  [
    "an alarm",
    (c) => {
      c.alarms = "memberID:8325025528367255048 alarm:NOSPACE \n";
    },
    /: there is an alarm: memberID:8325025528367255048 alarm:NOSPACE *\n$/,
  ],
];
function edit(cluster: FakeCluster, index: number, changed: Partial<FakeMember>): void {
  Object.assign(cluster.member(index), changed);
}

for (const [title, arrange, sentence] of problems)
  test(`not proven: ${title}`, async (t) => {
    const cluster = await FakeCluster.create(t);
    arrange(cluster);
    cluster.answer();
    const { code, stdout, stderr } = await cluster.prove();
    assert.deepEqual([code, stdout], [5, ""]);
    const [problem, advice, ...others] = stderr.split(/(?<=\n)/);
    assert.match(problem ?? "", /^etcd-host: the cluster is not healthy after 0 s: .*\n$/);
    assert.match(problem ?? "", sentence);
    assert.match(advice ?? "", /^etcd-host: repair that, .* raise etcd:checkId\n$/);
    assert.deepEqual(others, []);
  });

test("a downgrade that was begun and is not declared ends the run, with the way out", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  const { host } = cluster;
  const status = host.read("answers/status");
  const begun = (target: string) =>
    host.write(
      "answers/status",
      status.replaceAll('"DowngradeTargetVersion" : ""', `"DowngradeTargetVersion" : "${target}"`),
    );
  begun("3.5.0");
  const { code, stderr } = await cluster.prove({}, 60);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: a downgrade to 3\.5 was begun, and etcd:version is 3\.6\.14: 'etcd-host ctl downgrade cancel' ends it; or declare/,
  );
  begun("3.6.0");
  assert.equal((await cluster.prove()).code, 0, "it is about to end");
});

test("answers of different moments are far apart where much is written: who reaches the leader's is not behind", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.member(0).applied = 9000; // asked after the leader
  cluster.answer("later");
  cluster.member(1).applied = 10; // asked before it
  cluster.answer();
  cluster.host.fake("sleep", 'mv "$HOST_ROOT/later/status" "$HOST_ROOT/answers/"');
  const { code, stderr } = await cluster.host.shell(
    "LAG_SECONDS=60; PROVE_SECONDS=0; cmd_prove",
    PROVE_OPTIONS,
    {
      stdin: `${cluster.declared.join("")}deployed\n{}\n`,
    },
  );
  assert.deepEqual([code, stderr], [0, ""]);
});

test("what settles by itself is waited for", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer("later");
  cluster.member(1).learner = true;
  cluster.answer();
  cluster.host.fake("sleep", 'rm -r "$HOST_ROOT/answers" && mv "$HOST_ROOT/later" "$HOST_ROOT/answers"');
  const { code, stderr } = await cluster.prove({}, 60);
  assert.deepEqual([code, stderr], [0, ""]);
});
