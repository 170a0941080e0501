import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import { test } from "node:test";
import { ETCD_ID, Host, permissions } from "./host.ts";
import { inSeconds, mark, prepare, prepareOptions, socket, started } from "./preflight.ts";

test("a healthy host is prepared: user, directories, the program and the mark; nothing is said on stderr", async (t) => {
  const host = Host.create(t);
  const { code, stdout, stderr } = await prepare(host);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^(ok +[a-z-]+ .* \(limit: .*\)\n)+$/);
  assert.match(host.read("etc/group"), /^etcd:--system etcd$/m);
  assert.match(
    host.read("etc/passwd"),
    /^etcd:--system --gid etcd .*--no-create-home --shell \/usr\/sbin\/nologin/m,
  );
  assert.equal(permissions(host.file("var/lib/etcd")), `700 ${ETCD_ID}:${ETCD_ID}`);
  assert.equal(permissions(host.paths.STATE_DIR), "700 0:0");
  assert.equal(permissions(host.paths.ETC_DIR), "755 0:0");
  assert.equal(permissions(host.paths.OPT_DIR), "755 0:0");
  assert.equal(permissions(host.paths.PROGRAM), "755 0:0");
  assert.match(host.read(host.paths.PROGRAM), /^#!\/bin\/sh\n# etcd-host: /);
  assert.equal(
    host.read("var/lib/etcd-host/mark"),
    `name=node1\nincarnation=0\ncluster=etcd-1-0a1b2c\ndata_dir=${host.file("var/lib/etcd")}\nnot_before=2026-01-01T00:00:00Z\n`,
  );
  assert.equal(host.read("var/lib/etcd-host/owner-prepare"), "urn:host\n");
  assert.deepEqual(host.systemdCalls(), []);
});

test("another folder for snapshots is made, and one that is there stays as it is; the mark knows it", async (t) => {
  const host = Host.create(t);
  const snapshots = host.file("mnt/backups");
  for (const mode of [0o700, 0o755]) {
    assert.equal((await prepare(host, { snapshots })).code, 0);
    assert.equal(permissions(snapshots), `${mode.toString(8)} 0:0`);
    assert.match(host.read("var/lib/etcd-host/mark"), new RegExp(`^snapshots=${snapshots}$`, "m"));
    fs.chmodSync(snapshots, 0o755);
  }
  assert.equal((await prepare(host)).code, 0);
  assert.doesNotMatch(host.read("var/lib/etcd-host/mark"), /snapshots/);
});

test("a host that is prepared again stays as it is", async (t) => {
  const host = Host.create(t);
  await prepare(host);
  const before = host.snapshot();
  assert.equal((await prepare(host)).code, 0);
  assert.deepEqual(host.snapshot(), before);
});

test("a host that was only prepared is left as it was found, but for the user", async (t) => {
  const host = Host.create(t);
  const { "etc/passwd": _passwd, "etc/group": _group, ...before } = host.snapshot();
  await prepare(host);
  const { code } = await host.run(["remove-host", "--name=node1", "--incarnation=0", "--owner=urn:host"]);
  assert.equal(code, 0);
  const { "etc/passwd": _left, "etc/group": _behind, ...after } = host.snapshot();
  assert.deepEqual(after, before);
});

test("the data has its own mode, whatever the folders above hand on", async (t) => {
  const host = Host.create(t);
  fs.chmodSync(host.file("var/lib"), 0o2755);
  assert.equal((await prepare(host)).code, 0);
  assert.equal(permissions(host.file("var/lib/etcd")), `700 ${ETCD_ID}:${ETCD_ID}`);
});

test("a raised incarnation and another owner are written into the marks", async (t) => {
  const host = Host.create(t);
  await prepare(host);
  assert.equal((await prepare(host, { incarnation: "1", owner: "urn:other" })).code, 0);
  assert.match(host.read("var/lib/etcd-host/mark"), /^incarnation=1$/m);
  assert.equal(host.read("var/lib/etcd-host/owner-prepare"), "urn:other\n");
});

test("one report holds every refusal and every warning, and nothing on the host was changed", async (t) => {
  const host = Host.create(t);
  mark(host, "node2", { dataDir: "/srv/etcd" });
  started(host);
  fs.rmSync(host.paths.SYSTEMD_DIR, { recursive: true });
  host.hide("openssl");
  host.fake("uname", "echo riscv64");
  host.fake("ip", "exit 0");
  host.fake("mktemp", "exit 1");
  host.write("proc/net/tcp", socket("00000000:094B", "0A"));
  host.write("proc/meminfo", "MemTotal: 1000 kB\nSwapTotal: 2097152 kB\n");
  host.write("proc/1/limits", "Max open files  1024  1024  files\n");
  host.write("var/lib/etcd/db", "theirs");
  host.write("usr/local/bin/etcd", "theirs");
  host.write("systemd/active", "");
  host.fake("firewall-cmd", 'test "$1" = --state');
  const before = host.snapshot();
  const { code, stderr } = await prepare(
    host,
    { "not-before": inSeconds(3600) },
    { DISK_FREE_KIB: "1024", DD_SECONDS: "0.9" },
  );
  assert.equal(code, 3);
  const levels = (level: string) =>
    [...stderr.matchAll(new RegExp(`^etcd-host: ${level} +(\\S+)`, "gm"))].map(([, check]) => check);
  const refusals = [
    "systemd",
    "architecture",
    "commands",
    "owner",
    "address",
    "ports",
    "data",
    "foreign",
    "disk",
    "binaries-disk",
    "writable",
    "memory",
    "clock",
  ];
  assert.deepEqual(levels("refuse"), refusals);
  assert.deepEqual(levels("warn"), ["disk-quota", "memory-quota", "swap", "files", "time-sync", "firewalld"]);
  const [last = ""] = stderr.trimEnd().split("\n").slice(-1);
  assert.match(
    last,
    /^etcd-host: refused: node1 cannot run here\. systemd: .*; use another machine\. .*\. Nothing was changed on this host$/,
  );
  for (const refusal of refusals) assert.match(last, new RegExp(`\\. ${refusal}: [^;]+; [a-z][^.]+\\.`));
  assert.deepEqual(host.snapshot(), before);
});

test("a step whose connection was cut goes on to its end", async (t) => {
  const whole = Host.create(t);
  await prepare(whole);
  const host = Host.create(t);
  const child = host.spawn('main "$@"\n', ["prepare", ...prepareOptions(host)]);
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.destroy();
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(host.snapshot()), Object.keys(whole.snapshot()));
});
