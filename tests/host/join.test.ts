// A member without data joins the cluster that is there, and founds none beside it.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { changesAsked } from "./cluster.ts";
import { ADDED_TO_THREE, ADDED_TO_TWO, FORMER_ID, join, joiningCluster } from "./joining.ts";
import { DATA, isRefused, PEER_URL } from "./member.ts";
import { isUnhealthy } from "./rolling.ts";

const ADD = `member add node1 --learner --peer-urls=${PEER_URL}`;
const FORMER = "592133103447902698"; // FORMER_ID, as alarms have it
const removed = ["member remove", "del etcd-host/members/node1"];
const REMOVAL = [`${removed[0]} ${FORMER_ID}`, removed[1]];
const JOINING = `etcd-host/joining/${PEER_URL}`;
const ADDING = [`put ${JOINING} ${PEER_URL}`, ADD];
const recording = (incarnation: number) => `put etcd-host/members/node1 ${incarnation}`;

test("a new node is added as a learner, started with the list of now, promoted and recorded", async (t) => {
  const cluster = await joiningCluster(t, "absent");
  const { host } = cluster;
  const { code, stdout, stderr } = await join(host);
  assert.deepEqual(
    [code, stdout, stderr],
    [
      0,
      "started node1\n",
      "etcd-host: adding node1 as a learner\netcd-host: node1 has caught up and votes\n",
    ],
  );
  const promotion = `member promote ${ADDED_TO_TWO}`;
  assert.deepEqual(changesAsked(host), [
    "lock",
    ...ADDING,
    recording(1),
    promotion,
    `del ${JOINING}`,
    "lock dropped",
  ]);
  const others = cluster.members.map(({ name, peerUrls }) => `${name}=${peerUrls.join()}`).join();
  assert.equal(
    host.read("etc/etcd/bootstrap.env"),
    `ETCD_INITIAL_ADVERTISE_PEER_URLS=${PEER_URL}\nETCD_INITIAL_CLUSTER=${others},node1=${PEER_URL}\n` +
      "ETCD_INITIAL_CLUSTER_STATE=existing\nETCD_INITIAL_CLUSTER_TOKEN=etcd-1-0a1b2c\n",
  );
  assert.equal(host.read("var/lib/etcd-host/bootstrapped"), "1\n");
  assert.equal(host.exists("var/lib/etcd-host/joining"), false);
  const voters = cluster.members.map(({ clientUrl }) => clientUrl).join();
  assert.match(host.read("asked"), new RegExp(`--endpoints=${voters} .*lock --ttl`), "not through itself");

  host.write("asked", "");
  for (const subcommand of ["start", "roll"] as const)
    assert.equal((await join(host, {}, { subcommand })).stdout, "node1 runs as declared\n");
  assert.deepEqual(changesAsked(host), []);
});

for (const subcommand of ["start", "roll"] as const)
  test(`a raised incarnation takes the place of the former member, whose data is set aside (${subcommand})`, async (t) => {
    const { host } = await joiningCluster(t, "dead");
    host.write(`${DATA}/member/wal/old.wal`, "what the former one wrote\n");
    host.write("var/lib/etcd-host/begun", "1\n");
    host.write("var/lib/etcd-host/bootstrapped", "1\n");
    const { code, stderr } = await join(host, { incarnation: "2" }, { subcommand });
    assert.equal(code, 0, stderr);
    assert.deepEqual(changesAsked(host), [
      "lock",
      ...REMOVAL,
      ...ADDING,
      recording(2),
      `member promote ${ADDED_TO_TWO}`,
      `del ${JOINING}`,
      "lock dropped",
    ]);
    const [aside = ""] = host.list("var/lib").filter((name) => name.startsWith("etcd.aside-"));
    assert.equal(host.read(`var/lib/${aside}/member/wal/old.wal`), "what the former one wrote\n");
    assert.deepEqual(host.list(`${DATA}/member/wal`), ["0.wal"]);
    assert.equal(host.read("var/lib/etcd-host/begun"), "2\n");
    assert.equal(host.read("answers/keys").match(/node1 .*/)?.[0], "node1 2");
  });

for (const [title, ghost] of [
  ["of its name, at another URL", { peerUrls: ["https://192.0.2.31:2380"] }],
  ["at its URL, by another name", { name: "node9" }],
  ["at its URL, never started", { name: "", clientUrl: "", learner: true }],
  ["one of two URLs of which is its own", { peerUrls: ["https://192.0.2.31:2380", PEER_URL] }],
] as const)
  test(`a ghost is removed before the member is added: ${title}`, async (t) => {
    const { host } = await joiningCluster(t, "dead", (c) =>
      Object.assign(c.member(0), {
        ...ghost,
        peerUrls: [...("peerUrls" in ghost ? ghost.peerUrls : [PEER_URL])],
      }),
    );
    const { code, stderr } = await join(host, { incarnation: "2" });
    assert.equal(code, 0, stderr);
    const changes = changesAsked(host).filter((change) => change.startsWith("member"));
    assert.deepEqual(changes, [REMOVAL[0], ADD, `member promote ${ADDED_TO_TWO}`]);
  });

for (const recorded of [2, 3])
  test(`a member that has served is not started empty by the same incarnation (recorded: ${recorded})`, async (t) => {
    const { host } = await joiningCluster(t, "dead", (c) => {
      c.recorded.node1 = recorded;
    });
    for (const subcommand of ["start", "roll"] as const)
      for (const state of ["new", "existing"])
        await isRefused(
          host,
          () => join(host, { incarnation: "2", "initial-state": state }, { subcommand }),
          /refused: the data of node1 is gone from \S+: .* raise the node's incarnation to replace the member/,
        );
    assert.deepEqual(changesAsked(host), []);
  });

test("a member that no record is kept of is of the first incarnation", async (t) => {
  const { host } = await joiningCluster(t, "dead", (c) => {
    c.recorded = {};
  });
  await isRefused(host, () => join(host), /the data of node1 is gone/);
  assert.equal((await join(host, { incarnation: "2" })).code, 0);
});

test("without an answer nobody knows which incarnation is the member: nothing is removed", async (t) => {
  const { host } = await joiningCluster(t, "dead");
  host.write("answers/unanswered/get", "once\n");
  const { code, stderr } = await join(host, { incarnation: "2" });
  assert.equal(code, 3);
  assert.match(stderr, /refused: the cluster does not say which incarnation of node1 is its member; see /);
  assert.deepEqual(changesAsked(host), []);
});

test("what has had data on this host never begins again, whoever answers", async (t) => {
  const { host } = await joiningCluster(t, "absent");
  host.write("var/lib/etcd-host/bootstrapped", "1\n");
  await isRefused(host, () => join(host), /the data of node1 is gone/);
  assert.equal(host.exists("asked"), false);
});

test("a founder joins instead where a cluster answers that has seen it before", async (t) => {
  for (const former of ["dead", "absent"] as const) {
    const { host } = await joiningCluster(t, former);
    const { code, stderr } = await join(host, { incarnation: "2", "initial-state": "new" });
    assert.equal(code, 0, stderr);
    assert.ok(changesAsked(host).includes(ADD), stderr);
    assert.match(host.read("etc/etcd/bootstrap.env"), /^ETCD_INITIAL_CLUSTER_STATE=existing$/m, former);
    assert.match(host.read("etc/etcd/bootstrap.env"), /^ETCD_INITIAL_CLUSTER=node2=/m);
    const again = await join(host, { incarnation: "2", "initial-state": "new" });
    assert.deepEqual([again.code, again.stdout], [0, "node1 runs as declared\n"], again.stderr);
  }
});

test("a founder founds where nobody answers, and where the others wait for it", async (t) => {
  const lonely = await joiningCluster(t, "absent", (c) => c.members.splice(0));
  const awaited = await joiningCluster(t, "dead", (c) => Object.assign(c.member(0), { clientUrl: "" }));
  for (const { host } of [lonely, awaited]) {
    const { code, stderr } = await join(host, { incarnation: "2", "initial-state": "new" });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(host.read("etc/etcd/bootstrap.env"), /^ETCD_INITIAL_CLUSTER_STATE=new$/m);
    assert.deepEqual(changesAsked(host), []);
  }
});

test("who would join is refused where nobody answers; a later step never founds", async (t) => {
  const { host } = await joiningCluster(t, "absent", (c) => c.members.splice(0));
  await isRefused(host, () => join(host), /node1 would join the cluster, but no member of it answers/);
  await isRefused(
    host,
    () => join(host, { incarnation: "2", "initial-state": "new" }, { subcommand: "roll" }),
    /the data of node1 is gone/,
  );
});

for (const [title, alarm, interrupted] of [
  ["named by etcd", FORMER, false],
  ["told by the hashes", "0", false],
  ["removed by a run that was interrupted", FORMER, true],
] as const)
  test(`the alarm CORRUPT ends with the member that it concerns: ${title}`, async (t) => {
    const { host } = await joiningCluster(t, interrupted ? "absent" : "dead", (c) => {
      c.alarms = `memberID:${alarm} alarm:CORRUPT \n`;
      c.hashes = "node1 77\n";
      if (!interrupted) Object.assign(c.member(0), { version: "3.6.14" });
      c.health = undefined;
    });
    const { code, stderr } = await join(host, { incarnation: "2" });
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^etcd-host: the alarm CORRUPT blocks all writes, even the cluster's lock: make sure that no other run is active\n/,
    );
    assert.deepEqual(changesAsked(host), [
      ...(interrupted ? [] : [REMOVAL[0]]),
      "alarm disarm",
      ...(interrupted ? [] : [REMOVAL[1]]),
      "lock",
      ...ADDING,
      recording(2),
      `member promote ${ADDED_TO_TWO}`,
      `del ${JOINING}`,
      "lock dropped",
    ]);
  });

test("the alarm CORRUPT of another member lets nobody join", async (t) => {
  const { host } = await joiningCluster(t, "dead", (c) => {
    c.alarms = `memberID:${c.member(1).id} alarm:CORRUPT \n`;
  });
  const { code, stderr } = await join(host, { incarnation: "2" });
  assert.equal(code, 3);
  assert.match(stderr, /refused: the alarm CORRUPT concerns node2: raise its incarnation/);
  assert.deepEqual(changesAsked(host), []);
});

test("without space nobody joins, although the alarm is allowed: a join has to be recorded", async (t) => {
  const { host } = await joiningCluster(t, "absent", (c) => {
    c.alarms = "memberID:1 alarm:NOSPACE \n";
  });
  const { code, stderr } = await join(host, { allow: "nospace-alarm" });
  assert.equal(code, 3);
  assert.match(stderr, /refused: the alarm NOSPACE is raised: nothing can be written, so no member can join/);
  assert.deepEqual(changesAsked(host), []);
});

test("nothing is removed that the rest cannot do without", async (t) => {
  const { host } = await joiningCluster(t, "dead", (c) => isUnhealthy(c, "node1", "node2"));
  const { code, stderr } = await join(host, { incarnation: "2" });
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: node1 may not be removed: of the 2 voters left 1 are healthy, 2 needed; not healthy: node2\. /,
  );
  assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
  assert.deepEqual(host.systemdCalls(), []);
});

test("one learner at a time: another one is left to its host", async (t) => {
  const { host } = await joiningCluster(t, "absent", (c) =>
    c.members.push({
      ...c.member(0),
      name: "node4",
      id: "44",
      learner: true,
      peerUrls: ["https://192.0.2.14:2380"],
    }),
  );
  await isRefused(host, () => join(host), /refused: node4 is still a learner, and etcd takes one at a time/);
});

test("without the cluster's lock nobody is removed or added", async (t) => {
  for (const former of ["dead", "absent"] as const) {
    const { host } = await joiningCluster(t, former);
    host.write("answers/lock", "");
    const { code, stderr } = await join(host, { incarnation: "2" });
    assert.equal(code, 1);
    assert.match(stderr, /failed: the cluster's lock was lost; nothing more was changed, run again\n$/);
    assert.deepEqual(changesAsked(host), ["lock", "lock dropped"]);
  }
});

test("what one run has joined, another listed URL does not undo: three voters and a new one", async (t) => {
  const { host } = await joiningCluster(t, "dead", (c) =>
    Object.assign(c.member(0), { name: "node4", peerUrls: ["https://192.0.2.14:2380"], version: "3.6.14" }),
  );
  assert.equal((await join(host)).code, 0);
  assert.ok(changesAsked(host).includes(`member promote ${ADDED_TO_THREE}`));
  assert.equal(fs.readFileSync(host.file("answers/rows"), "utf8").split("\n").length, 5);
});
