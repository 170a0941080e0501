import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { FAKES, type Host, permissions, type Result } from "./host.ts";
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

test("the deletes of the other steps only note that they were given up, however often they run", async (t) => {
  const host = await wholeHost(t);
  const before = host.snapshot();
  for (const [subcommand, stays] of [
    ["stop", "member stays"],
    ["remove-certificates", "certificates stay"],
    ["remove-binaries", "binaries stay"],
  ] as const) {
    const step = deletes[subcommand];
    for (let run = 1; run <= 2; run++) {
      const { code, stdout, stderr } = await remove(host, subcommand);
      const said = `given up: the ${stays} on this host until node1-host is deleted, too\n`;
      assert.deepEqual([code, stdout, stderr], [0, said, ""]);
      assert.equal(host.read(`var/lib/etcd-host/left-${step}`), `urn:${step}\n`);
      assert.equal(permissions(host.file("var/lib/etcd-host", `left-${step}`)), "600 0:0");
    }
  }
  const { added, changed } = difference(before, host.snapshot());
  assert.deepEqual(
    added,
    ["certificates", "install", "member"].map((step) => `var/lib/etcd-host/left-${step}`),
  );
  assert.deepEqual(changed, []);
  assert.deepEqual(host.systemdCalls(), []);
});

test("a host whose steps were given up is left with its data alone, kept aside; what is not ours stays", async (t) => {
  const host = await wholeHost(t);
  host.write(`${DATA}/member/snap/db`, "precious");
  host.write("etc/etcd/pki-new-killed/server.key", FILES["server.key"]);
  host.write("etc/etcd/other.conf", "somebody's");
  host.write("opt/etcd/other/etcd", "somebody's");
  fs.rmSync(host.file("usr/local/bin/etcdutl"));
  fs.symlinkSync("/usr/bin/etcdutl", host.file("usr/local/bin/etcdutl"));
  const { stderr } = await removeAll(host);
  assert.deepEqual(host.systemdCalls(), [
    "disable --quiet --now etcd.service",
    "daemon-reload",
    "reset-failed etcd.service",
  ]);
  const [, aside = ""] = /the data of \S+ is kept in (\S+)\n/.exec(stderr) ?? [];
  assert.equal(host.read(`${aside}/member/snap/db`), "precious");
  assert.ok(fs.existsSync(`${aside}/member/wal/0.wal`));
  assert.deepEqual(host.list("etc/etcd"), ["other.conf"]);
  assert.deepEqual(host.list("usr/local/bin"), ["etcdutl"]);
  assert.deepEqual(host.list("opt/etcd"), ["other"]);
  for (const gone of [
    "etc/systemd/system/etcd.service",
    DATA,
    "usr/local/sbin/etcd-host",
    "var/lib/etcd-host",
    "run/etcd-host",
  ])
    assert.equal(host.exists(gone), false, gone);
});

test("snapshots outlive the host's delete, and so does what was set aside there; it says where", async (t) => {
  const host = await wholeHost(t);
  const kept = {
    "var/lib/etcd-host/snapshots/etcd-3.5-20260101T000000Z-node1.db": "a snapshot",
    "var/lib/etcd-host/aside-20260101T000000Z/etc/systemd/system/etcd.service.d/10.conf": "a drop-in",
    "mnt/backups/etcd-3.6-20260101T000000Z-node1.db": "a snapshot",
  };
  for (const [file, content] of Object.entries(kept)) host.write(file, content);
  host.write("var/lib/etcd-host/snapshots-taken", "");
  const { stderr } = await removeAll(host);
  assert.match(stderr, /: the snapshots in \S+\/var\/lib\/etcd-host\/snapshots are kept\n/);
  assert.match(stderr, /: \S+\/var\/lib\/etcd-host\/aside-20260101T000000Z is kept\n/);
  for (const [file, content] of Object.entries(kept)) assert.equal(host.read(file), content);
  assert.deepEqual(host.list("var/lib/etcd-host"), ["aside-20260101T000000Z", "snapshots"]);
});

test("an etcd that runs without its unit file is stopped before its data moves", async (t) => {
  const host = await wholeHost(t);
  fs.rmSync(host.paths.UNIT_FILE);
  await removeAll(host);
  assert.equal(host.systemdCalls()[0], "stop etcd.service");
  assert.equal(host.list("var/lib").filter((entry) => entry.startsWith("etcd.aside-")).length, 1);
});

test("nothing is asked of a unit that is gone", async (t) => {
  const host = await wholeHost(t);
  setState(host, "inactive", "dead", 0);
  fs.rmSync(host.paths.UNIT_FILE);
  await removeAll(host);
  assert.deepEqual(host.systemdCalls(), ["daemon-reload", "reset-failed etcd.service"]);
});

test("an etcd that cannot be stopped, or of which nobody can tell, keeps its data in place", async (t) => {
  const host = await wholeHost(t);
  for (const subcommand of all.slice(0, -1)) assert.equal((await remove(host, subcommand)).code, 0);
  const states = {
    "case $1 in show) echo 4711 ;; esac":
      /failed: etcd does not stop on this host; see 'systemctl status etcd'/,
    "case $1 in show) exit 1 ;; esac": /failed: systemd does not answer on this host; see 'systemctl status'/,
  };
  for (const [systemctl, sentence] of Object.entries(states)) {
    host.fake("systemctl", systemctl);
    const { code, stderr } = await remove(host, "remove-host");
    assert.equal(code, 1);
    assert.match(stderr, sentence);
    assert.ok(host.exists(`${DATA}/member/wal/0.wal`));
    assert.ok(host.exists("etc/etcd/pki/server.key"));
    assert.ok(host.exists(`opt/etcd/${VERSION}/etcd`));
  }
});

test("on a data directory that is a mount the contents stay within it", async (t) => {
  const host = await wholeHost(t);
  host.fake("mountpoint", "exit 0");
  await removeAll(host);
  const [aside = ""] = host.list(DATA);
  assert.match(aside, /^aside-\d{8}T\d{6}Z$/);
  assert.ok(host.exists(`${DATA}/${aside}/member/wal/0.wal`));
});

/** What the host's delete calls on its way, in order: it is killed there. */
const moments = [
  ["systemctl", "disable"],
  ["rm", "etcd.service"],
  ["systemctl", "daemon-reload"],
  ["mountpoint", ""],
  ["mv", ""],
  ["rm", "/served"],
  ["rm", "/bin/etcdctl"],
  ["rm", "/opt/etcd/"],
  ["rmdir", ""],
  ["rm", "/sbin/etcd-host"],
] as const;

test("a host's delete that was killed at one moment or another ends when it runs again", async (t) => {
  for (const [command, argument] of moments) {
    const moment = `${command} ${argument}`;
    const host = await wholeHost(t);
    for (const subcommand of all.slice(0, -1)) assert.equal((await remove(host, subcommand)).code, 0);
    const real =
      command === "systemctl" || command === "mountpoint" ? `${FAKES}/${command}` : `/bin/${command}`;
    host.fake(command, `case "$*" in *'${argument}'*) kill -9 $PPID; exit ;; esac\nexec ${real} "$@"`);
    assert.notEqual((await remove(host, "remove-host")).code, 0, moment);
    fs.rmSync(host.file("fakes", command));
    const again = await remove(host, "remove-host");
    assert.equal(again.code, 0, `${moment}: ${again.stderr}`);
    for (const gone of [
      host.paths.UNIT_FILE,
      DATA,
      "etc/etcd/pki",
      `opt/etcd/${VERSION}`,
      "usr/local/sbin/etcd-host",
      "var/lib/etcd-host",
    ])
      assert.equal(host.exists(gone), false, `${moment}: ${gone}`);
    assert.equal(host.list("var/lib").filter((entry) => entry.startsWith("etcd.aside-")).length, 1, moment);
  }
});

/** The deletes of a host that is given up, in the engine's order. */
async function removeAll(host: Host): Promise<Result> {
  const results: Result[] = [];
  for (const subcommand of all) results.push(await remove(host, subcommand));
  for (const { code, stderr } of results) assert.equal(code, 0, stderr);
  const [last] = results.slice(-1);
  if (last === undefined) throw new Error("nothing ran");
  return last;
}

/** Files that are there only afterwards, and those that are others now or gone. */
function difference(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>) {
  return {
    added: Object.keys(after).filter((file) => !(file in before)),
    changed: Object.keys(before).filter((file) => before[file] !== after[file]),
  };
}

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
