import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { ETCD_ID, permissions } from "./host.ts";
import {
  COMES_UP,
  DATA,
  isRefused,
  memberOptions,
  OTHER_URL,
  PEER_URL,
  readyHost,
  servingHost,
  setState,
  start,
  UNIT,
} from "./member.ts";
import { VERSION } from "./mirror.ts";
import { NEW_UNIT, rollingCluster, rollOptions } from "./rolling.ts";

const unitFile = "etc/systemd/system/etcd.service";
const otherUnit = `${UNIT}LimitNOFILE=65536\n`;

test("a founder is started with a permit to begin without data, and never waits for a quorum", async (t) => {
  const host = readyHost(t);
  const { code, stdout, stderr } = await start(host);
  assert.deepEqual([code, stdout, stderr], [0, "started node1\n", ""]);
  assert.deepEqual(host.systemdCalls(), [
    "enable --quiet --no-reload etcd.service",
    "daemon-reload",
    "reset-failed etcd.service",
    "start --no-block etcd.service",
  ]);
  assert.equal(host.read(unitFile), UNIT);
  assert.equal(permissions(host.file(unitFile)), "644 0:0");
  assert.equal(
    host.read("etc/etcd/bootstrap.env"),
    "ETCD_INITIAL_ADVERTISE_PEER_URLS=https://192.0.2.11:2380\n" +
      `ETCD_INITIAL_CLUSTER=node1=${PEER_URL},node2=${OTHER_URL}\n` +
      "ETCD_INITIAL_CLUSTER_STATE=new\nETCD_INITIAL_CLUSTER_TOKEN=etcd-1-0a1b2c\n",
  );
  assert.equal(permissions(host.file("etc/etcd/bootstrap.env")), `640 0:${ETCD_ID}`);
  assert.equal(permissions(host.file(DATA)), `700 ${ETCD_ID}:${ETCD_ID}`);
  assert.equal(host.exists("run/etcd-host/bootstrap"), false, "the permit is for this start only");
  assert.equal(host.read("var/lib/etcd-host/bootstrapped"), "0\n");
  assert.equal(host.read("var/lib/etcd-host/owner-member"), "urn:member\n");
  const declared = host.read("var/lib/etcd-host/declared-member").trim().split("\n");
  assert.deepEqual(
    declared.map((line) => line.replace(/^[0-9a-f]{64} {2}/, "")),
    [host.paths.UNIT_FILE, host.file("etc/etcd/bootstrap.env")],
  );
  assert.equal(fs.readlinkSync(host.file("usr/local/bin/etcd")), host.file(`opt/etcd/${VERSION}/etcd`));
});

test("a member that runs as declared is left alone, by an update too", async (t) => {
  const host = await servingHost(t);
  const before = host.snapshot();
  for (const step of ["start", "roll"]) {
    const { code, stdout } = await host.run([step, ...memberOptions(host)], { stdin: UNIT });
    assert.deepEqual([code, stdout], [0, "node1 runs as declared\n"]);
  }
  assert.deepEqual(host.systemdCalls(), []);
  assert.deepEqual(host.snapshot(), before);
});

test("what somebody did to the files of a running member is undone, without a restart", async (t) => {
  const host = await servingHost(t);
  const before = host.snapshot();
  host.write(unitFile, otherUnit);
  host.write("etc/etcd/bootstrap.env", "ETCD_NAME=other\n");
  host.write("systemd/enabled", "disabled\n");
  fs.chmodSync(host.file(DATA), 0o755);
  const { code, stdout } = await start(host);
  assert.deepEqual([code, stdout], [0, "node1 runs as declared\n"]);
  assert.deepEqual(host.systemdCalls(), ["daemon-reload", "enable --quiet etcd.service"]);
  assert.deepEqual(host.snapshot(), before);
});

test("a member that is stopped but has its WAL is started without a permit", async (t) => {
  const host = await servingHost(t);
  setState(host, "inactive", "dead", 0);
  host.write(
    "systemd/start",
    `if [ -e "$HOST_ROOT/run/etcd-host/bootstrap" ]; then : >"$HOST_ROOT/permitted"; fi\n${COMES_UP}`,
  );
  assert.equal((await start(host)).code, 0);
  assert.equal(host.exists("permitted"), false);
});

test("what the start needs is checked first: binaries, CA bundles, the right host, the unit", async (t) => {
  const host = readyHost(t);
  await isRefused(
    host,
    () => start(host, { version: "3.6.15" }),
    /etcd 3\.6\.15 is not installed in \S+\/opt\/etcd\/3\.6\.15; run 'pulumi up' with a new checkId/,
  );
  await isRefused(
    host,
    () => start(host, { bundles: "0123456789abcdef" }),
    /the CA bundles on this host are not the declared ones/,
  );
  await isRefused(host, () => start(host, { name: "node2" }), /prepared for 'node1', not for node2/);
  const before = host.snapshot();
  const { code, stderr } = await start(host, {}, "");
  assert.deepEqual([code, stderr], [1, "etcd-host: failed: the step sent no unit\n"]);
  assert.deepEqual(host.snapshot(), before);
});

test("a member whose data is gone is not started empty; its raised incarnation is", async (t) => {
  const host = await servingHost(t);
  setState(host, "failed", "failed", 0);
  fs.rmSync(host.file(DATA, "member"), { recursive: true });
  await isRefused(
    host,
    () => start(host),
    /the data of node1 is gone from \S+: an empty start could lose acknowledged writes; raise the node's incarnation/,
  );
  fs.mkdirSync(host.file(DATA, "member/wal"), { recursive: true });
  await isRefused(host, () => start(host), /the data of node1 is gone/);
  fs.rmSync(host.file(DATA, "member"), { recursive: true });
  await isRefused(host, () => start(host, { incarnation: "1" }), /the data of node1 is gone/); // node2 may know of it
  const alone = { incarnation: "1", "initial-cluster": `node1=${PEER_URL}` };
  assert.equal((await start(host, alone)).code, 0);
  assert.equal(host.read("var/lib/etcd-host/bootstrapped"), "1\n");
});

test("the first step restarts a member that serves with other settings only with the proof that it may", async (t) => {
  const host = await servingHost(t);
  await isRefused(
    host,
    () => start(host, {}, otherUnit),
    /refused: no member answers, so nothing can be proven/,
  );

  const { host: fit } = await rollingCluster(t);
  const { code, stderr } = await fit.run(["start", ...rollOptions(fit)], { stdin: NEW_UNIT });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /restarted node1 in/);
});

test("a member that has served is not restarted without that proof while it is not ready", async (t) => {
  const host = await servingHost(t);
  setState(host, "activating", "start", 4711);
  await isRefused(host, () => start(host, {}, otherUnit), /no member answers, so nothing can be proven/);
});

test("nor is a member that is ready, although nobody noted that it serves", async (t) => {
  const host = await servingHost(t);
  fs.rmSync(host.file("var/lib/etcd-host/served"));
  await isRefused(host, () => start(host, {}, otherUnit), /no member answers, so nothing can be proven/);
});

test("a founder that has never served is restarted with its corrected settings", async (t) => {
  const host = readyHost(t);
  await start(host);
  await host.run(["started"]);
  host.write("systemd/calls", "");
  const { code, stderr } = await start(host, {}, otherUnit);
  assert.deepEqual(
    [code, stderr],
    [0, "etcd-host: restarting node1, which has not served yet: its unit changed\n"],
  );
  assert.deepEqual(host.systemdCalls().slice(0, 2), [
    "stop etcd.service",
    "enable --quiet --no-reload etcd.service",
  ]);
  assert.equal(host.systemdCalls().at(-1), "start --no-block etcd.service");
  assert.equal(host.read(unitFile), otherUnit);
});

test("what etcd is started with is kept beside its process, until it is started again", async (t) => {
  const host = readyHost(t);
  await start(host);
  await host.run(["started"]);
  assert.equal(host.read("run/etcd-host/started/unit"), UNIT);
  host.write(unitFile, otherUnit);
  const differences = async (unit: string) => (await host.shell(`differences '${host.file(unit)}'`)).stdout;
  assert.equal(await differences(unitFile), "unit\n");
  await host.run(["started"]);
  assert.equal(await differences(unitFile), "");
});

for (const [title, how] of [
  ["ends at once", "set_state failed failed 0"],
  ["is restarted by systemd again and again", "set_state activating auto-restart 0"],
] as const)
  test(`an etcd that ${title} fails the step with its own last words, and a founder is off again`, async (t) => {
    const host = readyHost(t);
    host.write("systemd/start", how);
    host.write("journal", '{"level":"fatal","msg":"discovery failed"}\n');
    const { code, stderr } = await start(host);
    assert.equal(code, 1);
    assert.equal(
      stderr,
      "etcd-host: fatal: discovery failed\n" +
        "etcd-host: failed: etcd ended right after its start on node1; its last log lines are above\n",
    );
    assert.equal(host.exists("run/etcd-host/bootstrap"), false);
    assert.equal(host.read("systemd/enabled"), "disabled\n");
    assert.equal(host.exists("var/lib/etcd-host/bootstrapped"), false);
    assert.equal(host.exists("var/lib/etcd-host/owner-member"), false);
    host.write("systemd/start", COMES_UP);
    assert.equal((await start(host)).code, 0, "the next run starts it");
  });

test("a start that does not come up in time fails; a member with data stays enabled, so that it can still come", async (t) => {
  const host = readyHost(t);
  host.write("systemd/start", `${COMES_UP}: >"$HOST_ROOT/proc/net/tcp"`);
  const { code, stderr } = await host.shell("START_SECONDS=0; cmd_start", memberOptions(host), {
    stdin: UNIT,
  });
  assert.equal(code, 1);
  assert.match(stderr, /failed: etcd has not come up within 0 s on node1; its last log lines are above/);
  assert.equal(host.read("systemd/enabled"), "enabled\n");
  assert.doesNotMatch(host.systemdCalls().join("\n"), /disable|stop/);
});

test("a start that systemd has not got to yet is waited for", async (t) => {
  const host = readyHost(t);
  // the first waiting is over when `sleep` has been called: then systemd gets to it
  host.write(
    "systemd/start",
    "printf 'ActiveState=inactive\\nSubState=dead\\nMainPID=0\\nJob=812\\n' >\"$SYSTEMD/properties\"",
  );
  host.write("systemd/later", COMES_UP);
  host.fake(
    "sleep",
    `set_state() { printf 'ActiveState=%s\\nSubState=%s\\nMainPID=%s\\nJob=\\n' "$1" "$2" "$3" >"$SYSTEMD/properties"; }; . "$SYSTEMD/later"`,
  );
  const { code, stderr } = await start(host);
  assert.equal(code, 0, stderr);
});
