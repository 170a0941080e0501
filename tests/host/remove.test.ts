import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import type { Host, Result } from "./host.ts";
import { DATA, FILES, readyHost, servingHost, setState } from "./member.ts";
import { VERSION } from "./mirror.ts";

/** The deletes, and the step that each takes back. */
const deletes = {
  stop: "member",
  "remove-certificates": "certificates",
  "remove-binaries": "install",
  "remove-host": "prepare",
} as const;
type Delete = keyof typeof deletes;

const all = Object.keys(deletes).filter((name): name is Delete => name in deletes);

/** A host that every step has run on. */
async function wholeHost(t: TestContext): Promise<Host> {
  const host = await servingHost(t);
  for (const step of ["certificates", "install", "prepare"]) {
    host.write(`var/lib/etcd-host/owner-${step}`, `urn:${step}\n`, 0o600);
    host.write(`var/lib/etcd-host/declared-${step}`, "", 0o600);
  }
  host.write("usr/local/sbin/etcd-host", "the program\n", 0o755);
  return host;
}

/** The delete as Pulumi runs it. */
function remove(
  host: Host,
  subcommand: Delete,
  changed: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const options = {
    name: "node1",
    incarnation: "0",
    owner: `urn:${deletes[subcommand]}`,
    "check-id": "0",
    ...changed,
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  return host.run([subcommand, ...args]);
}

test("a delete of another owner, name or incarnation does nothing, and succeeds", async (t) => {
  const host = await wholeHost(t);
  const before = host.snapshot();
  for (const subcommand of all)
    for (const other of [{ owner: "urn:etcd::other" }, { name: "node2" }, { incarnation: "1" }]) {
      const { code, stdout } = await remove(host, subcommand, other);
      assert.deepEqual(
        [code, stdout],
        [0, `nothing to do: on this host ${deletes[subcommand]} is no longer ours\n`],
      );
    }
  assert.deepEqual(host.snapshot(), before);
  assert.deepEqual(host.systemdCalls(), []);
});

test("stop ends and disables the service, keeps the data aside, and takes its own marks away", async (t) => {
  const host = await wholeHost(t);
  host.write(`${DATA}/member/snap/db`, "precious");
  const { code, stderr } = await remove(host, "stop");
  assert.equal(code, 0, stderr);
  assert.deepEqual(host.systemdCalls(), [
    "disable --quiet --now etcd.service",
    "daemon-reload",
    "reset-failed etcd.service",
  ]);
  const [, aside = ""] = /the data of \S+ is kept in (\S+)\n/.exec(stderr) ?? [];
  assert.equal(host.read(`${aside}/member/snap/db`), "precious");
  assert.ok(fs.existsSync(`${aside}/member/wal/0.wal`));
  for (const gone of [
    "etc/systemd/system/etcd.service",
    "etc/etcd/bootstrap.env",
    DATA,
    "run/etcd-host/started",
  ])
    assert.equal(host.exists(gone), false, gone);
  const marks = [
    "declared-certificates",
    "declared-install",
    "declared-prepare",
    "mark",
    "owner-certificates",
    "owner-install",
    "owner-prepare",
  ];
  assert.deepEqual(host.list("var/lib/etcd-host"), marks);
});

test("stop takes a permit away, and asks nothing of a unit that is gone", async (t) => {
  const host = await wholeHost(t);
  setState(host, "inactive", "dead", 0);
  host.write("run/etcd-host/bootstrap", "");
  fs.rmSync(host.paths.UNIT_FILE);
  assert.equal((await remove(host, "stop")).code, 0);
  assert.equal(host.exists("run/etcd-host/bootstrap"), false);
  assert.deepEqual(host.systemdCalls(), ["daemon-reload", "reset-failed etcd.service"]);
});

test("an etcd that runs without its unit file is stopped before its data moves", async (t) => {
  const host = await wholeHost(t);
  fs.rmSync(host.paths.UNIT_FILE);
  assert.equal((await remove(host, "stop")).code, 0);
  assert.equal(host.systemdCalls()[0], "stop etcd.service");
  assert.equal(host.list("var/lib").filter((entry) => entry.startsWith("etcd.aside-")).length, 1);
});

test("an etcd that cannot be stopped, or of which nobody can tell, keeps its data in place", async (t) => {
  const host = await wholeHost(t);
  const states = {
    "case $1 in show) echo 4711 ;; esac":
      /failed: etcd does not stop on this host; see 'systemctl status etcd'/,
    "case $1 in show) exit 1 ;; esac": /failed: systemd does not answer on this host; see 'systemctl status'/,
  };
  for (const subcommand of all)
    for (const [systemctl, sentence] of Object.entries(states)) {
      host.fake("systemctl", systemctl);
      const { code, stderr } = await remove(host, subcommand);
      assert.equal(code, 1);
      assert.match(stderr, sentence);
      assert.ok(host.exists(`${DATA}/member/wal/0.wal`));
      assert.ok(host.exists("etc/etcd/pki/server.key"));
      assert.ok(host.exists(`opt/etcd/${VERSION}/etcd`));
    }
});

for (const subcommand of ["remove-certificates", "remove-binaries", "remove-host"] as const)
  test(`${subcommand} stops an etcd whose first start was interrupted, and keeps its data aside`, async (t) => {
    const host = await wholeHost(t);
    for (const mark of ["owner-member", "declared-member", "bootstrapped", "served"])
      fs.rmSync(host.file("var/lib/etcd-host", mark));
    setState(host, "activating", "start", 4711);
    assert.equal((await remove(host, "stop")).code, 0, "the delete of the missing step does nothing");
    assert.deepEqual(host.systemdCalls(), []);
    const { code, stderr } = await remove(host, subcommand);
    assert.equal(code, 0, stderr);
    assert.equal(host.systemdCalls()[0], "disable --quiet --now etcd.service");
    const [, aside = ""] = /the data of \S+ is kept in (\S+)\n/.exec(stderr) ?? [];
    assert.ok(fs.existsSync(`${aside}/member/wal/0.wal`));
    assert.equal(host.exists(host.paths.UNIT_FILE), false);
    assert.equal(host.exists("etc/etcd/bootstrap.env"), false);
  });

test("stop on a data directory that is a mount keeps the contents within it", async (t) => {
  const host = await wholeHost(t);
  host.fake("mountpoint", "exit 0");
  assert.equal((await remove(host, "stop")).code, 0);
  const [aside = ""] = host.list(DATA);
  assert.match(aside, /^aside-\d{8}T\d{6}Z$/);
  assert.ok(host.exists(`${DATA}/${aside}/member/wal/0.wal`));
});

test("the certificates, the binaries and the program go; what is not ours stays", async (t) => {
  const host = await wholeHost(t);
  host.write("etc/etcd/other.conf", "somebody's");
  host.write("opt/etcd/other/etcd", "somebody's");
  fs.rmSync(host.file("usr/local/bin/etcdutl"));
  fs.symlinkSync("/usr/bin/etcdutl", host.file("usr/local/bin/etcdutl"));
  for (const subcommand of all) assert.equal((await remove(host, subcommand)).code, 0, subcommand);
  assert.deepEqual(host.list("etc/etcd"), ["other.conf"]);
  assert.deepEqual(host.list("usr/local/bin"), ["etcdutl"]);
  assert.deepEqual(host.list("opt/etcd"), ["other"]);
  for (const gone of ["usr/local/sbin/etcd-host", "var/lib/etcd-host", "run/etcd-host"])
    assert.equal(host.exists(gone), false, gone);
  assert.equal(host.list("var/lib").filter((entry) => entry.startsWith("etcd.aside-")).length, 1);
});

test("each delete leaves no declaration of what it removed", async (t) => {
  const host = await wholeHost(t);
  for (const subcommand of ["stop", "remove-certificates", "remove-binaries"] as const) {
    assert.equal((await remove(host, subcommand)).code, 0);
    assert.equal(host.exists(`var/lib/etcd-host/declared-${deletes[subcommand]}`), false, subcommand);
    assert.equal(host.exists(`var/lib/etcd-host/owner-${deletes[subcommand]}`), false, subcommand);
  }
});

test("a delete that ran already, or that was cut in its middle, can run again", async (t) => {
  const host = await wholeHost(t);
  host.fake("mountpoint", "kill -9 $PPID");
  assert.notEqual((await remove(host, "stop")).code, 0);
  assert.ok(host.exists(`${DATA}/member/wal/0.wal`));
  host.fake("mountpoint", "exit 1");
  assert.equal((await remove(host, "stop")).code, 0);
  assert.equal(host.exists(DATA), false);
  const before = host.snapshot();
  assert.equal((await remove(host, "stop")).code, 0);
  assert.deepEqual(host.snapshot(), before);
});

test("discard sets the data of a stopped member aside, when asked twice", async (t) => {
  const host = await wholeHost(t);
  const before = host.snapshot();
  const running = await host.run(["discard", "--yes"]);
  assert.equal(running.code, 3);
  assert.match(running.stderr, /refused: etcd runs on this host; its data is in use \(systemctl stop etcd\)/);
  setState(host, "inactive", "dead", 0);
  const stopped = host.snapshot();
  const once = await host.run(["discard"]);
  assert.equal(once.code, 3);
  assert.match(once.stderr, /refused: add --yes to set the data in \S+\/var\/lib\/etcd aside/);
  assert.deepEqual(host.snapshot(), stopped);
  const twice = await host.run(["discard", "--yes"]);
  assert.equal(twice.code, 0);
  assert.match(twice.stderr, /is kept in \S+\/var\/lib\/etcd\.aside-/);
  assert.equal(Object.keys(before).filter((file) => file.endsWith(".wal")).length, 1);
  assert.equal(Object.keys(host.snapshot()).filter((file) => file.endsWith(".wal")).length, 1);
});

test("discard on a host of no member is refused", async (t) => {
  const host = readyHost(t);
  fs.rmSync(host.paths.STATE_DIR, { recursive: true });
  const { code, stderr } = await host.run(["discard", "--yes"]);
  assert.deepEqual([code, stderr], [3, "etcd-host: refused: this host has not been prepared\n"]);
});

test("the certificates that a delete removes are all sets, and their keys", async (t) => {
  const host = await wholeHost(t);
  host.write("etc/etcd/pki-new-killed/server.key", FILES["server.key"]);
  assert.equal((await remove(host, "remove-certificates")).code, 0);
  assert.deepEqual(host.list("etc/etcd"), []);
  assert.ok(host.exists(`opt/etcd/${VERSION}/etcd`), "the binaries are another step's");
});
