// May a running member stop for a moment?
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import { isRefused } from "./member.ts";
import { growToFive, isUnhealthy, NEW_UNIT, roll, rollingCluster, rollOptions } from "./rolling.ts";

interface Case {
  readonly title: string;
  readonly arrange: (cluster: FakeCluster) => void;
  readonly allow?: string;
  readonly sentence: RegExp;
}

const alarm = (kind: string) => `memberID:8325025528367255048 alarm:${kind} \n`;
/** With an alarm etcdctl calls every member unhealthy. */
function raise(cluster: FakeCluster, kind: string): void {
  cluster.alarms = alarm(kind);
  cluster.health = {
    text: cluster.members.map(({ clientUrl }) => unhealthyBy(clientUrl, kind)).join(""),
    healthy: false,
  };
}
const unhealthyBy = (url: string, kind: string) =>
  `${url} is unhealthy: failed to commit proposal: Active Alarm(s): ${kind} \n`;

const refused: readonly Case[] = [
  {
    title: "another member is down",
    arrange: (c) => isUnhealthy(c, "node2"),
    sentence:
      /refused: node1 may not restart: of the other 2 voters 1 healthy, 2 needed; not healthy: node2\. Check there/,
  },
  {
    title: "both others are down, each is named",
    arrange: (c) => isUnhealthy(c, "node2", "node3"),
    sentence: /of the other 2 voters 0 healthy, .* not healthy: node2 node3\. /,
  },
  {
    title: "another member has never started: it has no name yet, and no URL",
    arrange: (c) => Object.assign(c.member(1), { name: "", clientUrl: "", version: undefined }),
    sentence: /of the other 2 voters 1 healthy, .* not healthy: \(never started\)\. /,
  },
  {
    title: "another member is down, and a learner is no voter",
    arrange: (c) => {
      c.members.push({ ...c.member(2), name: "node4", id: "44", learner: true });
      isUnhealthy(c, "node2");
    },
    sentence: /of the other 2 voters 1 healthy/,
  },
  {
    title: "two of five are down",
    arrange: (c) => {
      growToFive(c);
      isUnhealthy(c, "node3", "node5");
    },
    sentence: /of the other 4 voters 2 healthy, 3 needed; not healthy: node3 node5\. /,
  },
  {
    title: "nobody answers",
    arrange: (c) => c.members.splice(0),
    sentence: /refused: no member answers, so nothing can be proven; see 'etcd-host status'/,
  },
  {
    title: "the member is not in the list",
    arrange: (c) => Object.assign(c.member(0), { name: "node9", peerUrls: ["https://192.0.2.19:2380"] }),
    sentence:
      /refused: node1 is not in the member list, although the cluster answers: it was removed\. Raise its incarnation/,
  },
  {
    title: "neither of two members may stop",
    arrange: (c) => c.members.splice(1, 1),
    sentence: /refused: neither of two members may restart .* allow it with etcd:allow: \[two-node-restart\]/,
  },
  {
    title: "neither of two members may stop, whatever else is allowed",
    arrange: (c) => c.members.splice(1, 1),
    allow: "nospace-alarm not-two-node-restart",
    sentence: /refused: neither of two members may restart/,
  },
  {
    title: "the members follow different leaders",
    arrange: (c) => Object.assign(c.member(1), { leader: c.member(1).id }),
    sentence: /refused: the members do not agree on a leader/,
  },
  {
    title: "the members belong to different clusters",
    arrange: (c) => Object.assign(c.member(1), { clusterId: "7" }),
    sentence: /refused: the members belong to different clusters/,
  },
  {
    title: "nobody leads",
    arrange: (c) => {
      for (const member of c.members) member.leader = "0";
    },
    sentence: /refused: the members do not agree on a leader/,
  },
  {
    title: "a healthy member does not say how far it is",
    arrange: (c) => Object.assign(c.member(1), { version: undefined }),
    sentence: /refused: node2 is healthy, but did not say its status; run again\n$/,
  },
  {
    title: "nobody says whether there is an alarm",
    arrange: (c) => c.host.write("answers/unanswered/alarm", "always\n"),
    sentence:
      /refused: no healthy member says whether an alarm is raised \(Error: context deadline exceeded\); see /,
  },
  {
    title: "a member is behind",
    arrange: (c) => Object.assign(c.member(1), { applied: 999 }),
    sentence:
      /refused: the member at https:\/\/127\.0\.0\.1:\d+ is 1 log entries behind the leader and does not catch up; see /,
  },
  {
    title: "there is no space",
    arrange: (c) => raise(c, "NOSPACE"),
    sentence: /refused: the alarm NOSPACE is raised: no write passes\. 'npm run reclaim' explains it, /,
  },
  {
    title: "data is corrupt, which nothing allows: etcd names the member",
    arrange: (c) => raise(c, "CORRUPT"),
    allow: "nospace-alarm",
    sentence:
      /refused: the alarm CORRUPT concerns node2: raise its incarnation, nothing else helps; writes stay refused until then\n$/,
  },
  {
    title: "data is corrupt: where etcd names nobody, the hashes do",
    arrange: (c) => {
      raise(c, "CORRUPT");
      c.alarms = c.alarms.replace(/\d+/, "0");
      c.hashes = "node3 77\n";
    },
    sentence: /refused: the alarm CORRUPT concerns node3: raise its incarnation/,
  },
  {
    title: "data is corrupt: most agree, and who says nothing may be the one",
    arrange: (c) => {
      raise(c, "CORRUPT");
      c.alarms = c.alarms.replace(/\d+/, "0");
      c.hashes = "node3 silent\n";
    },
    sentence: /refused: the alarm CORRUPT concerns node3: raise its incarnation/,
  },
  {
    title: "data is corrupt, and no majority is left",
    arrange: (c) => {
      raise(c, "CORRUPT");
      c.alarms = c.alarms.replace(/\d+/, "0");
      c.hashes = "node2 76\nnode3 77\n";
    },
    sentence:
      /refused: the alarm CORRUPT is raised, members disagree about the data, and no majority is left: stop/,
  },
  {
    title: "data was corrupt, and all agree by now",
    arrange: (c) => {
      raise(c, "CORRUPT");
      c.alarms = c.alarms.replace(/\d+/, "0");
    },
    sentence:
      /refused: the alarm CORRUPT is raised, but all members agree about the data: 'etcd-host ctl alarm disarm'/,
  },
  {
    title: "there is no space and data is corrupt",
    arrange: (c) => {
      raise(c, "CORRUPT");
      c.alarms = alarm("NOSPACE") + alarm("CORRUPT");
    },
    allow: "nospace-alarm",
    sentence: /refused: the alarm CORRUPT NOSPACE is raised/,
  },
];

for (const { title, arrange, allow = "", sentence } of refused)
  test(`not restarted, and nothing but the lock asked for: ${title}`, async (t) => {
    const cluster = await rollingCluster(t);
    arrange(cluster);
    cluster.answer();
    await isRefused(cluster.host, () => roll(cluster.host, { allow }), sentence);
    const changes = changesAsked(cluster.host);
    assert.deepEqual(changes, changes.length === 0 ? [] : ["lock", "lock dropped"]);
  });

interface Allowed extends Omit<Case, "sentence"> {
  readonly note?: RegExp;
  readonly locked: boolean;
}

const allowed: readonly Allowed[] = [
  { title: "every member is healthy", arrange: () => {}, locked: true },
  {
    title: "one of five is down",
    arrange: (c) => {
      growToFive(c);
      isUnhealthy(c, "node5");
    },
    locked: true,
  },
  {
    title: "a member was asked when much more had been written than when its leader was",
    arrange: (c) => Object.assign(c.member(0), { applied: 9000 }),
    locked: true,
  },
  {
    title: "a single member, whose outage is announced",
    arrange: (c) => {
      c.members.splice(1);
      Object.assign(c.member(0), { leader: c.member(0).id });
    },
    note: /^etcd-host: node1 is the only member: its restart is an outage of a few seconds\n$/,
    locked: false,
  },
  {
    title: "one of two, by name",
    arrange: (c) => c.members.splice(1, 1),
    allow: "two-node-restart",
    locked: true,
  },
  {
    title: "no space, by name: then no lock can be written",
    arrange: (c) => raise(c, "NOSPACE"),
    allow: "two-node-restart nospace-alarm",
    note: /^etcd-host: the alarm NOSPACE blocks all writes, even the cluster's lock: make sure that no other run is active\n$/,
    locked: false,
  },
];

for (const { title, arrange, allow = "", note = /^$/, locked } of allowed)
  test(`restarted: ${title}`, async (t) => {
    const cluster = await rollingCluster(t);
    arrange(cluster);
    cluster.answer();
    if (cluster.alarms !== "")
      cluster.host.write("answers/health-here", unhealthyBy("https://127.0.0.1:2379", "NOSPACE"));
    const { code, stderr } = await roll(cluster.host, { allow });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^etcd-host: restarted node1 in \d+ s\n$/m);
    assert.match(stderr.replace(/^etcd-host: restarted .*\n/m, ""), note);
    assert.deepEqual(changesAsked(cluster.host), locked ? ["lock", "lock dropped"] : []);
  });

test("who was asked long before its leader is asked again, and reaches what the leader had", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  cluster.answer("later");
  cluster.member(1).applied = 10;
  cluster.answer();
  host.fake("sleep", 'mv "$HOST_ROOT/later/status" "$HOST_ROOT/answers/" 2>/dev/null; exec /bin/sleep 0.01');
  const { code, stderr } = await host.shell("LAG_SECONDS=60; cmd_roll", rollOptions(host), {
    stdin: NEW_UNIT,
  });
  assert.equal(code, 0, stderr);
});

test("the larger the db, the more time everything that moves it gets", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("status", "https://192.0.2.12:2379|1|3.6.14|1|1|1|6442450944|1\n");
  const ask = 'work=$HOST_ROOT; data_dir=$HOST_ROOT/data; with_db 300; rm "$HOST_ROOT/status"; with_db 300';
  assert.equal((await host.shell(ask)).stdout, "914\n300\n");
  host.write("data/member/snap/db", "x".repeat(10485760));
  assert.equal((await host.shell("work=$HOST_ROOT; data_dir=$HOST_ROOT/data; with_db 300")).stdout, "301\n");
});

test("where etcd does not answer here, the others are asked: where they were, and where the first start was told", async (t) => {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  host.write("answers/silent-here", "");
  host.write("var/lib/etcd-host/endpoints", "https://192.0.2.13:2379,https://192.0.2.12:2379\n");
  assert.equal((await roll(host)).code, 0);
  const asked = host.read("asked").match(/--endpoints=\S+ member list/g);
  assert.equal(
    asked?.[1],
    "--endpoints=https://127.0.0.1:1,https://192.0.2.11:2379,https://192.0.2.12:2379,https://192.0.2.13:2379 member list",
  );
  const now = cluster.members.map(({ clientUrl }) => clientUrl).join();
  assert.equal(host.read("var/lib/etcd-host/endpoints"), `${now}\n`);
});
