// From the running member to the one that starts from the snapshot: killed at every step and run again, and the way back.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { swept } from "../e2e/sweep.ts";
import type { Host, Result } from "./host.ts";
import { DATA, memberOptions, setState, UNIT } from "./member.ts";
import { halt, killBefore, killNone, rollRestored, STAGED, stage, stagingHost, TOKEN } from "./staging.ts";

const LIB = "var/lib";

async function staged(t: TestContext): Promise<Host> {
  const host = await stagingHost(t);
  host.write(`${DATA}/member/wal/old.wal`, "written since");
  await stage(host);
  return host;
}

function asides(host: Host): readonly string[] {
  return host.list(LIB).filter((name) => name.startsWith("etcd.aside-"));
}

function isRestored(host: Host, what: string): void {
  assert.equal(host.read(`${DATA}/member/wal/restored.wal`), "restored\n", what);
  assert.ok(!host.exists(`${DATA}/member/wal/old.wal`), what);
  const [aside, ...others] = asides(host);
  assert.deepEqual(others, [], what);
  assert.equal(host.read(`${LIB}/${aside}/member/wal/old.wal`), "written since", what);
  assert.match(
    host.read("etc/etcd/bootstrap.env"),
    new RegExp(`^ETCD_INITIAL_CLUSTER_TOKEN=${TOKEN}$`, "m"),
    what,
  );
  assert.match(host.read("var/lib/etcd-host/mark"), new RegExp(`^cluster=${TOKEN}$`, "m"), what);
  assert.equal(host.read("var/lib/etcd-host/bootstrapped"), "0\n", what);
  for (const gone of [STAGED, `${STAGED}.part`, "var/lib/etcd-host/switching", "var/lib/etcd-host/served"])
    assert.ok(!host.exists(gone), `${what}: ${gone}`);
}

const OFFSETS = [1, 2, 3, 4, 5, 6];

/** At every sixth moment until there are no more: from which one on is drawn; all with SWEEP=all. */
async function sweep(what: string, isKilledAt: (n: number) => Promise<boolean>): Promise<void> {
  for (const first of swept(`${what}, killed on a host`, OFFSETS, 1)) {
    let n = first;
    while (await isKilledAt(n)) n += OFFSETS.length;
    assert.ok(n > OFFSETS.length, "hardly anything was killed");
  }
}

/** Killed before its n-th command that changes something, and then run again to its end. */
async function killedAndAgain(host: Host, n: number, run: (host: Host) => Promise<Result>): Promise<boolean> {
  killBefore(host, n);
  await run(host);
  if (killNone(host)) return false;
  const again = await run(host);
  const isDone = again.stderr.includes("nothing was halted on this host"); // it was killed as it said so
  assert.ok(again.code === 0 || isDone, `after ${n}: ${again.code} ${again.stderr}`);
  return true;
}

test("halt stops the member and sets its data aside; killed before any of its commands, the next run ends it", async (t) => {
  await sweep("halt", async (n) => {
    const host = await staged(t);
    if (!(await killedAndAgain(host, n, halt))) return false;
    assert.equal(asides(host).length, 1, `${n}`);
    assert.ok(!host.exists(`${DATA}/member`));
    assert.equal(host.read("systemd/enabled"), "disabled\n");
    const started = await rollRestored(host);
    assert.equal(started.code, 0, `${n}: ${started.stderr}`);
    isRestored(host, `halt killed at ${n}`);
    return true;
  });
});

test("the member's step starts it from the snapshot; killed before any of its commands, the next run ends it", async (t) => {
  await sweep("start", async (n) => {
    const host = await staged(t);
    await halt(host);
    if (!(await killedAndAgain(host, n, rollRestored))) return false;
    isRestored(host, `start killed at ${n}`);
    return true;
  });
});

test("what is done is done: halt, stage and the member's step find it so", async (t) => {
  const host = await staged(t);
  await halt(host);
  await rollRestored(host);
  setState(host, "active", "running", 4711);
  await host.run(["started"]);
  await host.run(["served"]);
  host.write("systemd/calls", "");
  assert.equal((await halt(host)).stdout, "node1 has the data of the restore already\n");
  assert.match((await stage(host)).stdout, /^staged 4711 63 /);
  assert.match((await rollRestored(host)).stdout, /^node1 runs as declared$/m);
  assert.deepEqual(host.systemdCalls(), []);
});

test("a member is not stopped for what is not laid out, nor started from it while it has its data", async (t) => {
  const host = await stagingHost(t);
  const early = await halt(host);
  assert.equal(early.code, 3);
  assert.match(early.stderr, new RegExp(`nothing is laid out for ${TOKEN} on node1, so it is not stopped`));
  await stage(host);
  const running = await rollRestored(host);
  assert.equal(running.code, 3);
  assert.match(running.stderr, /node1 still has the data from before the restore; it is halted first/);
  assert.deepEqual(host.systemdCalls(), []);
});

test("put-back brings data, marks and settings back; killed, it goes on", async (t) => {
  const before = await staged(t);
  const env = before.read("etc/etcd/bootstrap.env");
  await sweep("put-back", async (n) => {
    const host = await staged(t);
    await halt(host);
    const unconfirmed = await host.run(["put-back"]);
    assert.equal(unconfirmed.code, 3);
    assert.match(unconfirmed.stderr, /add --yes: this gives the restore up on node1/);
    const killed = await killedAndAgain(host, n, (one) => one.run(["put-back", "--yes"]));
    assert.equal(host.read(`${DATA}/member/wal/old.wal`), "written since", `${n}`);
    assert.equal(host.read("etc/etcd/bootstrap.env"), env);
    assert.equal(host.read("etc/systemd/system/etcd.service"), UNIT);
    assert.equal(host.read("systemd/enabled"), "enabled\n");
    assert.deepEqual(asides(host), []);
    assert.ok(host.exists("var/lib/etcd-host/served") && !host.exists(STAGED));
    return killed;
  });
});

test("a restore that is taken out of the stack after halt leaves a way back, and no empty start", async (t) => {
  const host = await staged(t);
  await halt(host);
  const { code, stderr } = await host.run(["roll", ...memberOptions(host)], { stdin: UNIT });
  assert.equal(code, 3);
  assert.match(
    stderr,
    /node1 was halted for a restore that is not what is declared now: bring its data back with 'etcd-host put-back --yes' on every host/,
  );
  assert.ok(!host.exists(`${DATA}/member`));
});

test("once the restored cluster has served here there is no way back but another restore", async (t) => {
  const host = await staged(t);
  await halt(host);
  await rollRestored(host);
  await host.run(["served"]);
  const { code, stderr } = await host.run(["put-back", "--yes"]);
  assert.equal(code, 3);
  assert.match(
    stderr,
    /node1 has served as a member of the restored cluster: what was written since would be lost/,
  );
});

test("by hand: staged, halted and switched, with a word for each that is left out", async (t) => {
  const host = await staged(t);
  for (const subcommand of ["halt", "switch"]) {
    const { code, stderr } = await host.run([subcommand]);
    assert.equal(code, 3);
    assert.match(stderr, /add --yes: this st/);
  }
  assert.equal((await host.run(["halt", "--yes"])).code, 0);
  const { code, stdout, stderr } = await host.run(["switch", "--yes"]);
  assert.deepEqual(
    [code, stdout],
    [0, "started node1; once most members are, 'etcd-host health' answers\n"],
    stderr,
  );
  assert.equal(host.read("systemd/enabled"), "enabled\n");
  assert.equal(host.read(`${DATA}/member/wal/restored.wal`), "restored\n");
});
