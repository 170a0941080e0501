// npm run reclaim: what fills the quota, named; then compacted, defragmented in turn, disarmed, or said what is left to do.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ANSWER_MARK } from "../../host/commands.ts";
import { StandIns } from "./stand-ins.ts";

const MIB = 1024 ** 2;
const NOSPACE = ["memberID:1 alarm:NOSPACE "];

interface Cluster {
  /** MiB of each member's database, and what of it is in use, before and after the defragmentations. */
  readonly before?: readonly [number, number];
  readonly after?: readonly [number, number];
  /** As the hosts say it: records, superseded, revision. */
  readonly history?: string;
  readonly historyAfter?: string;
  readonly errors?: readonly string[];
  /** 0 of members of 3.5, which do not say it. */
  readonly quota?: number;
  /** Lines of shell that answer some questions otherwise. */
  readonly answers?: string;
}

function clusterOf(
  t: TestContext,
  {
    before = [62, 61],
    after = [5, 4],
    history = "10000 9000 20000",
    historyAfter = "1500 900 20000",
    errors = NOSPACE,
    quota = 64 * MIB,
    answers = "",
  }: Cluster = {},
): StandIns {
  const standIns = new StandIns(t);
  for (const n of [1, 2, 3])
    for (const [when, [size, used]] of [
      ["before", before],
      ["after", after],
    ] as const) {
      const header = { member_id: n };
      const sizes = { dbSize: size * MIB, dbSizeInUse: used * MIB, dbSizeQuota: quota };
      const status = { header, version: "3.6.14", ...sizes, leader: 1, raftIndex: 5, errors };
      standIns.write(
        `${when}-node-node${n}`,
        `service active\nstatus ${JSON.stringify([{ Status: status }])}\n`,
      );
    }
  standIns.write("history-before", `history ${history}\n`);
  standIns.write("history-after", `history ${historyAfter}\n`);
  standIns.command(
    "ssh",
    `cat >/dev/null
    printf '\\n${ANSWER_MARK}\\n'
    when=before; [ ! -e "$DIR/done-$3" ] || when=after
    asked=\${4##*etcd-host }
    case $asked in facts*) ;; *) echo "$3 $asked" >>"$DIR/asked" ;; esac
    ${answers}
    case $asked in
      facts*) cat "$DIR/$when-$3" ;;
      history*) cat "$DIR/history-$when" ;;
      defragment*) : >"$DIR/done-$3"; echo "\${3#node-}: smaller" ;;
      disarm*) echo "a key was written and deleted: writes pass" ;;
    esac`,
  );
  return standIns;
}
const asked = (standIns: StandIns) => standIns.read("asked").trim().split("\n");

test("it explains, compacts and defragments in turn, the leader last, disarms and proves a write", async (t) => {
  const standIns = clusterOf(t);
  const { code, stdout, stderr } = await standIns.run("reclaim");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(
    stdout,
    /^member {2}db {6}in use {2}quota {3}db of quota\nnode1 {3}62 MiB {2}61 MiB {2}64 MiB {2}97 %\n/,
  );
  assert.match(stdout, /\nHistory: 90 % of 10000 records are of keys that have changed or are deleted\.\n/);
  assert.match(
    stdout,
    /\nCause: more was written than the quota holds before auto-compaction took it \(autoCompactionRetention: "1h"\)/,
  );
  assert.match(
    stdout,
    /\nnode2: smaller\nnode3: smaller\nnode1: smaller\na key was written and deleted: writes pass\n$/,
  );
  const defragment = "defragment --election-timeout=1000 --keep-revisions=1000";
  assert.deepEqual(asked(standIns), [
    "node-node1 history",
    ...[2, 3, 1].map((n) => `node-node${n} ${defragment}`),
    "node-node1 history",
    "node-node1 disarm --election-timeout=1000 --quota=2147483648",
  ]);
});

test("how much history stays, and an outage of few members, are the operator's to say", async (t) => {
  const standIns = clusterOf(t);
  assert.equal((await standIns.run("reclaim", "--keep", "50", "--yes")).code, 0);
  assert.equal(asked(standIns)[1], "node-node2 defragment --election-timeout=1000 --keep-revisions=50 --yes");
  for (const keep of ["9", "all"]) {
    const { code, stderr } = await standIns.run("reclaim", "--keep", keep);
    assert.deepEqual([code, stderr.startsWith("--keep takes a number from 10 on, not ")], [2, true]);
  }
});

for (const [title, cluster, retention, cause] of [
  ["auto-compaction is off", {}, "0", /Cause: auto-compaction is off \(autoCompactionRetention: "0"\)/],
  [
    "the live keys have grown",
    { history: "10000 100 20000" },
    "1h",
    /Cause: the live keys have grown: find who writes them, /,
  ],
  [
    "nothing was ever defragmented",
    { history: "10000 100 20000", before: [63, 20] },
    "1h",
    /Cause: deleted keys left free space in the files/,
  ],
] as const)
  test(`the cause is named where ${title}`, async (t) => {
    const standIns = clusterOf(t, cluster);
    const config = JSON.parse(standIns.read("config.json"));
    config["etcd:autoCompactionRetention"] = { value: retention };
    standIns.write("config.json", JSON.stringify(config));
    assert.match((await standIns.run("reclaim")).stdout, cause);
  });

for (const [title, historyAfter, sentence] of [
  [
    "keys",
    "1500 0 20000",
    /^keys alone fill 97 % of the quota: delete keys and run this again, or raise quotaBackendBytes with etcd:allow: \[nospace-alarm\]/,
  ],
  [
    "keys and what stays of the history",
    "1500 900 20000",
    /^keys and the last 1000 revisions fill 97 % of the quota: keep less history \(-- --keep 10\), delete/,
  ],
] as const)
  test(`where ${title} fill the quota the alarm stays, and what helps is said`, async (t) => {
    const standIns = clusterOf(t, { after: [62, 61], historyAfter });
    const { code, stderr } = await standIns.run("reclaim");
    assert.equal(code, 5);
    assert.match(stderr, sentence);
    assert.ok(!asked(standIns).some((call) => call.includes("disarm")));
  });

test("before 3.6 the declared quota counts", async (t) => {
  const { code, stdout } = await clusterOf(t, { quota: 0 }).run("reclaim");
  assert.equal(code, 0);
  assert.match(stdout, /node1 {3}62 MiB {2}61 MiB {2}2 GiB {2}3 %/);
});

test("without an alarm nothing is changed", async (t) => {
  const standIns = clusterOf(t, { errors: [] });
  const { code, stdout } = await standIns.run("reclaim");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /\n\nNo alarm is raised, so nothing was changed; npm run defragment gives free space back\.\n$/,
  );
  assert.deepEqual(asked(standIns), ["node-node1 history"]);
});

test("another alarm, and a member that does not answer, are refused", async (t) => {
  const corrupt = await clusterOf(t, { errors: [...NOSPACE, "memberID:2 alarm:CORRUPT "] }).run("reclaim");
  assert.equal(corrupt.code, 3);
  assert.match(
    corrupt.stderr,
    /^refused: the alarm NOSPACE, CORRUPT is raised, and not for space alone: .* Nothing was changed\.\n$/,
  );
  const standIns = clusterOf(t);
  standIns.write("before-node-node3", "service inactive\n");
  const silent = await standIns.run("reclaim");
  assert.equal(silent.code, 3);
  assert.match(silent.stderr, /^refused: node3 does not answer; repair it first/);
  assert.ok(!standIns.list().includes("asked"));
});

for (const [title, answers, code, sentence] of [
  [
    "the first host refuses",
    "case $asked in defrag*) echo 'refused: no' >&2; exit 3 ;; esac",
    3,
    /^node2: refused: no\n$/,
  ],
  [
    "a later host fails",
    "case $asked-$3 in defrag*3) exit 1 ;; esac",
    1,
    /Not defragmented: node3, node1\. Run it again\.\n$/,
  ],
  [
    "the alarm is not disarmed",
    "case $asked in disarm*) echo 'it stays' >&2; exit 5 ;; esac",
    5,
    /^node1: it stays\n$/,
  ],
  [
    "a write is still refused",
    "case $asked in disarm*) echo 'failed' >&2; exit 1 ;; esac",
    1,
    /^node1: failed\n$/,
  ],
  [
    "nobody says the history",
    "case $asked in history*) echo 'failed: silent' >&2; exit 1 ;; esac",
    1,
    /^node1: failed: silent\n$/,
  ],
] as const)
  test(`it ends with ${code} where ${title}`, async (t) => {
    const ended = await clusterOf(t, { answers }).run("reclaim");
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, sentence);
  });
