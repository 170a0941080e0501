// What a host says of its backups to node_exporter, in a folder that may be somebody else's.
import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { backedUp, backup, STATE, withStore } from "./backing-up.ts";
import type { Host } from "./host.ts";

function measure(host: Host): string {
  const file = host.file("textfile/etcd-host.prom");
  fs.mkdirSync(host.file("textfile"));
  host.fake("dd", 'exec /usr/bin/dd "$@"');
  host.write(
    `${STATE}/upkeep`,
    host.read(`${STATE}/upkeep`).replace(/^metrics_file=.*/m, `metrics_file=${file}`),
  );
  return file;
}
async function measured(t: TestContext) {
  const { host } = await backedUp(t);
  measure(host);
  return host;
}

const LABELS = '{cluster="token-1",member="node1"}';

test("for node_exporter: the last one, its age allowed and whether the last run failed", async (t) => {
  const host = await measured(t);
  host.write("answers/agreed", "200000");
  await backup(host);
  assert.equal(
    host.read("textfile/etcd-host.prom"),
    `etcd_host_backup_max_age_seconds${LABELS} 10800\netcd_host_backup_failed${LABELS} 1\n`,
  );
  host.write("answers/agreed", "1");
  await backup(host);
  assert.match(
    host.read("textfile/etcd-host.prom"),
    /^etcd_host_backup_last_timestamp_seconds\{cluster="token-1",member="node1"\} \d{10}\netcd_host_backup_last_revision\S+ 123456\netcd_host_backup_last_bytes\S+ \d+\netcd_host_backup_max_age_seconds\S+ 10800\netcd_host_backup_failed\S+ 0\n$/,
  );
  assert.deepEqual(host.list("textfile"), ["etcd-host.prom"]);
  assert.equal(fs.statSync(host.file("textfile/etcd-host.prom")).mode & 0o777, 0o644);
});

test("whoever owns that folder cannot lead the write elsewhere", async (t) => {
  const host = await measured(t);
  const file = host.file("textfile/etcd-host.prom");
  // a link that comes back just after it was removed, to what is no regular file
  host.fake("rm", `/usr/bin/rm "$@"; case "$*" in *.prom.new) ln -s /dev/null '${file}.new' ;; esac`);
  const { code, stderr } = await host.shell("cmd_backup", [], {
    env: { DISK_FREE_KIB: String(8 * 1024 ** 2) },
  });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: cannot write \S+etcd-host\.prom \(etcd:backup\.metricsFile\); see the line above/,
  );
  host.fake("rm", 'exec /usr/bin/rm "$@"');
  fs.rmSync(file, { force: true });
  fs.mkdirSync(host.file("elsewhere"));
  fs.symlinkSync(host.file("elsewhere"), file);
  assert.equal((await backup(host)).code, 0);
  assert.deepEqual(host.list("elsewhere"), []);
  assert.ok(fs.lstatSync(file).isFile());
});

test("a full disk of the program's own: the snapshot goes into the store, and the run fails aloud", async (t) => {
  const { host, store } = await withStore(t);
  const file = measure(host);
  const noSpace = "echo 'mktemp: No space left on device' >&2; exit 1";
  host.fake("mktemp", `case "$*" in *${STATE}/.new-*) ${noSpace} ;; esac; exec /usr/bin/mktemp "$@"`);
  const { code, stderr } = await backup(host);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: the snapshot is saved, and that cannot be noted in \S+; free some of that disk/,
  );
  assert.match(stderr, /it cannot be noted for 'npm run status' either/);
  assert.equal(store.objects.size, 2);
  assert.match(host.read(file), /^etcd_host_backup_failed\S+ 1$/m);
  const young = await backup(host, "--if-older=3600");
  assert.equal(young.code, 1);
  assert.match(young.stderr, /failed: the last backup is of \S+, and that cannot be noted in/);
});
