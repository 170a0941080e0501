// npm run defragment: one host after the other, the leader last.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER_MARK } from "../../host/commands.ts";
import { StandIns } from "./stand-ins.ts";

/** Hosts of which `leader` leads; those that are named answer otherwise: `answers` are lines of shell. */
function installHosts(
  standIns: StandIns,
  {
    leader = 1,
    answers = "",
    errors = [],
  }: { leader?: number; answers?: string; errors?: readonly string[] } = {},
): void {
  for (const n of [1, 2, 3]) {
    const header = { member_id: n };
    const status = { header, version: "3.6.14", dbSize: 1, dbSizeInUse: 1, leader, raftIndex: 5, errors };
    standIns.write(`facts-node-node${n}`, `service active\nstatus ${JSON.stringify([{ Status: status }])}\n`);
  }
  standIns.command(
    "ssh",
    `cat >/dev/null
    printf '\\n${ANSWER_MARK}\\n'
    case $4 in *facts) cat "$DIR/facts-$3"; exit ;; esac
    echo "$3 \${4##*etcd-host }" >>"$DIR/asked"
    ${answers}
    echo "\${3#node-}: 428 MiB before, 31 MiB now"`,
  );
}
const asked = (standIns: StandIns) =>
  standIns.list().includes("asked") ? standIns.read("asked").trim().split("\n") : [];
const call = (n: number, more = "") => `node-node${n} defragment --election-timeout=1000${more}`;

test("the leader is last, and each host tells its sizes", async (t) => {
  const standIns = new StandIns(t);
  installHosts(standIns, { leader: 2 });
  const { code, stdout, stderr } = await standIns.run("defragment");
  assert.deepEqual([code, stderr], [0, ""]);
  const sizes = [1, 3, 2].map((n) => `node${n}: 428 MiB before, 31 MiB now\n`);
  assert.equal(stdout, `${sizes.join("")}Every member is defragmented.\n`);
  assert.deepEqual(asked(standIns), [call(1), call(3), call(2)]);
});

test("who accepts an outage says so to the hosts", async (t) => {
  const standIns = new StandIns(t);
  installHosts(standIns);
  assert.equal((await standIns.run("defragment", "--yes")).code, 0);
  assert.deepEqual(
    asked(standIns),
    [2, 3, 1].map((n) => call(n, " --yes")),
  );
});

test("the first failure ends it, and who is left is named", async (t) => {
  const standIns = new StandIns(t);
  installHosts(standIns, {
    answers: "case $3 in *3) echo 'etcd-host: refused: node2 is down' >&2; exit 3 ;; esac",
  });
  const { code, stdout, stderr } = await standIns.run("defragment");
  assert.deepEqual([code, stdout], [1, "node2: 428 MiB before, 31 MiB now\n"]);
  assert.equal(
    stderr,
    "node3: etcd-host: refused: node2 is down\nNot defragmented: node3, node1. Run it again.\n",
  );
  assert.deepEqual(asked(standIns), [call(2), call(3)]);
});

test("a refusal of the first host has changed nothing", async (t) => {
  const standIns = new StandIns(t);
  installHosts(standIns, { answers: "echo 'etcd-host: refused: no' >&2; exit 3" });
  const { code, stderr } = await standIns.run("defragment");
  assert.deepEqual([code, stderr], [3, "node2: etcd-host: refused: no\n"]);
});

test("a connection that ends leaves its host at work", async (t) => {
  const standIns = new StandIns(t);
  installHosts(standIns, { answers: "echo 'Timeout, server not responding.' >&2; exit 255" });
  const { code, stderr } = await standIns.run("defragment");
  assert.equal(code, 1);
  assert.match(
    stderr,
    /The connection to node2 ended; what has begun there goes on\. Not defragmented: node2, /,
  );
});

test("nothing begins where a member does not answer, or a host cannot be asked", async (t) => {
  const standIns = new StandIns(t);
  installHosts(standIns);
  standIns.write("facts-node-node3", "service inactive\n");
  const silent = await standIns.run("defragment");
  assert.equal(silent.code, 3);
  assert.match(
    silent.stderr,
    /^refused: node3 does not answer; repair it first \(npm run status\)\. Nothing was/,
  );
  standIns.command(
    "ssh",
    "cat >/dev/null; echo 'ssh: connect to host 10.0.0.1 port 22: timed out' >&2; exit 255",
  );
  const cut = await standIns.run("defragment");
  assert.equal(cut.code, 3);
  assert.match(
    cut.stderr,
    /^refused: node1 could not be asked: ssh: connect to host 10\.0\.0\.1 port 22: timed out/,
  );
  assert.deepEqual(asked(standIns), []);
});

test("it is part of the way out of NOSPACE, which it does not end", async (t) => {
  const standIns = new StandIns(t);
  installHosts(standIns, { errors: ["memberID:1 alarm:NOSPACE "] });
  const { code, stdout } = await standIns.run("defragment");
  assert.equal(code, 0);
  assert.match(
    stdout,
    /The alarm NOSPACE is still raised: npm run reclaim compacts as well, and ends it\.\n$/,
  );
});
