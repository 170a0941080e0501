// Snapshots on a schedule, from the stack file to the store: taken, verified, seen, and named when they fail.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { labDown, must, onHost } from "./lab.ts";
import { startsOf } from "./members.ts";
import { cli, planned } from "./planned.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { LabStore } from "./store.ts";

const NODES = [1, 2, 3];
const SNAPSHOTS = "/var/lib/etcd-host/snapshots";
let project: Project;
let store: LabStore;
let folder: string;

before(async () => {
  project = await savedCluster(3);
  store = await LabStore.start();
  folder = await mkdtemp(join(tmpdir(), "etcd-backup-"));
});
after(async () => {
  await labDown();
  store.stop();
  await rm(folder, { recursive: true });
  await project.dispose();
});

const kept = async (n: number) =>
  (await onHost(n, `cd ${SNAPSHOTS} 2>/dev/null && ls || true`)).split("\n").filter((name) => name !== "");
const status = () => cli(project, "status", "--json");

/** Restores every file that is kept on a host, as far as a folder of data. */
const restored = (n: number, identity = "") =>
  onHost(
    n,
    `cd ${SNAPSHOTS} && sha256sum --quiet --check ./*.sha256 && for file in *.db.gz*; do
      case $file in
        *.sha256) continue ;;
        *.age) age --decrypt --identity ${identity} "$file" | gunzip >/tmp/raw.db ;;
        *) gunzip -c "$file" >/tmp/raw.db ;;
      esac
      rm -rf /tmp/restored
      etcdutl snapshot restore /tmp/raw.db --data-dir /tmp/restored >/dev/null 2>&1 && echo "restored $file"
      rm -rf /tmp/raw.db /tmp/restored
    done`,
  );

test("switched on: no restart, a backup in the same up, timers that run, and nothing to do afterwards", async (context) => {
  await project.configure({ backup: { interval: "15m", keep: 3 }, maintenance: {} });
  const hosts = { node1: "prepare", node2: "prepare", node3: "prepare" } as const;
  const up = await planned(project, hosts, ({ hosts: rows, cluster, security }) => {
    for (const { why } of rows) assert.match(why.join(), /timers for backup and defragmentation,no restart$/);
    assert.deepEqual(cluster.at(-1), { step: "backup", text: "one is taken and verified at the end" });
    assert.deepEqual(security, []);
  });
  const began = Date.now();
  await up();
  context.diagnostic(`up ${((Date.now() - began) / 1000).toFixed(1)} s`);
  const taken = await Promise.all(NODES.map(kept));
  assert.deepEqual(taken.flat().filter((name) => name.endsWith(".gz")).length, 1, "on the admin host");
  for (const n of NODES) {
    assert.equal(
      await onHost(n, "systemctl is-active etcd-backup.timer etcd-defragment.timer"),
      "active\nactive",
    );
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
  await must(project.up("--expect-no-changes"));
});

test("by its timer each host takes its own; every file that is kept is what etcd sent, and restores", async () => {
  for (const n of NODES) await onHost(n, "systemctl start etcd-backup.service && etcd-host backup");
  for (const n of NODES) {
    const files = (await kept(n)).filter((name) => name.endsWith(".gz"));
    assert.ok(files.length >= 1, `node${n}`);
    assert.equal(await restored(n), files.map((name) => `restored ${name}`).join("\n"));
  }
  const screen = await must(cli(project, "status"));
  assert.match(screen.stdout, /^last backup just now, r\d+, on node\d$/m);
  const file = (await kept(2)).find((name) => name.endsWith(".gz")) ?? "";
  await onHost(2, `printf X | dd of=${SNAPSHOTS}/${file} bs=1 seek=200 conv=notrunc 2>/dev/null`);
  await assert.rejects(restored(2), /FAILED/, "one byte");
  await onHost(2, `rm ${SNAPSHOTS}/*`);
});

test("a disk without room: the run fails by name, and what it had proven is recorded", async () => {
  await project.configure({
    backup: { interval: "15m", reserveMiB: 1_000_000 },
    clients: [{ name: "app1" }],
  });
  const failed = await project.up();
  assert.notEqual(failed.code, 0);
  assert.match(
    failed.all,
    /refused: node\d has \d+ MiB free in \/var\/lib\/etcd-host\/snapshots; a snapshot needs \d+ and leaves 1000000 alone: mount a disk there \(etcd:backup\.directory\), or lower etcd:backup\.reserveMiB/,
  );
  const { stdout } = await must(project.pulumi("stack", "output", "deployed", "--json"));
  assert.match(stdout, /"app1": \[/);
  assert.equal((await status()).code, 0, "the last good one is young");
});

test("into a store, encrypted: a wrong key is named; then by one member, seen by all, and no key where others read", async () => {
  const made = await onHost(1, "age-keygen 2>/dev/null | tee /root/identity");
  const [, recipient = ""] = /public key: (age1\S+)/.exec(made) ?? [];
  await project.configure({ backup: { interval: "15m", store: store.settings, encryption: [recipient] } });
  const [id = ""] = store.accessKey.split(":");
  await must(project.pulumi("config", "set", "--secret", "backupAccessKey", `${id}:wrong`));
  const failed = await project.up();
  assert.notEqual(failed.code, 0);
  assert.match(
    failed.all,
    /the snapshot is in \S+ only: the store \S+ answers 403 SignatureDoesNotMatch; correct etcd:backupAccessKey/,
  );
  const wrong = await cli(project, "status");
  assert.match(wrong.stdout, /^the backup on node\d failed just now: .*SignatureDoesNotMatch/m);
  assert.deepEqual(await store.keys(), []);

  await must(project.pulumi("config", "set", "--secret", "backupAccessKey", store.accessKey));
  await must(project.up());
  const keys = await store.keys();
  assert.equal(keys.length, 2, keys.join());
  assert.match(
    keys[0] ?? "",
    /^etcd\/etcd-cluster-1-\w+\/daily\/\d{8}T\d{6}Z-r\d+-3\.6-node\d\.db\.gz\.age$/,
  );

  for (const n of NODES) await onHost(n, "systemctl start etcd-backup.service");
  assert.equal((await store.keys()).length, 2, "it is young, so nobody takes another one");
  const { snapshots, unasked } = JSON.parse((await must(cli(project, "backups", "--json"))).stdout);
  assert.deepEqual(unasked, []);
  const newest = snapshots.find(({ where }: { where: readonly string[] }) => where.includes("store"));
  assert.equal(`etcd/${newest.snapshot}`, keys[0]);
  const screen = await must(cli(project, "status"));
  assert.match(screen.stdout, /^last backup (just now|\d min ago), r\d+, store$/m);
  assert.doesNotMatch(screen.stdout, /failed/);

  const file = join(folder, "stored");
  await store.get(keys[0] ?? "", file);
  assert.match((await readFile(file)).subarray(0, 30).toString(), /^age-encryption\.org\/v1\n/);
  const opened = await onHost(
    Number(/node(\d)/.exec(keys[0] ?? "")?.[1]),
    `cat ${SNAPSHOTS}/*.age | head -c 21; ls ${SNAPSHOTS} | grep -c '\\.db$' || true`,
  );
  assert.equal(opened, "age-encryption.org/v10");
  await assertSecret();
});

/** Neither in a file that others may read, nor in the journal, the state in clear, or a diff. */
async function assertSecret(): Promise<void> {
  const [, secret = ""] = store.accessKey.split(":");
  for (const n of NODES) {
    const found = await onHost(
      n,
      `grep -rlF -e '${secret}' /etc /var/lib/etcd-host /usr/local/sbin /run/etcd-host /etc/systemd 2>/dev/null | xargs -r stat -c '%a %U %n'
       journalctl --no-pager -o cat | grep -cF -e '${secret}' || true`,
    );
    assert.equal(found, "600 root /etc/etcd/store.curlrc\n0");
  }
  assert.ok(!(await project.stateText()).includes(secret));
  const { all } = await project.pulumi("preview", "--diff");
  assert.ok(!all.includes(secret));
}

test("a drill restores the newest of the store apart from the cluster: nothing restarts, nothing stays, and it is shown", async (context) => {
  const identity = join(folder, "identity");
  await writeFile(identity, await onHost(1, "cat /root/identity"), { mode: 0o600 });
  const starts = await startsOf(NODES);
  const { stdout } = await must(cli(project, "restore-drill", "--json", "--identity", identity));
  const report = JSON.parse(stdout);
  context.diagnostic(JSON.stringify(report));
  assert.deepEqual([report.ok, report.why], [true, ""]);
  assert.ok((await store.keys()).includes(`etcd/${report.snapshot}`));
  assert.ok(report.keys > 0 && report.rpo.revisions >= 0, stdout);
  assert.deepEqual(await startsOf(NODES), starts);
  const host = Number(report.host.slice(-1));
  assert.equal(
    await onHost(
      host,
      `find ${SNAPSHOTS} /run/etcd-host -name '.drill*' 2>/dev/null
       grep -rlF AGE-SECRET-KEY /etc /var/lib/etcd-host /run/etcd-host /run/systemd /tmp 2>/dev/null
       systemctl list-units --all --no-legend 'etcd-drill*'`,
    ),
    "",
  );
  assert.match((await must(cli(project, "status"))).stdout, /^last drill just now, ok$/m);
  await onHost(host, `age-keygen -o /root/other 2>/dev/null`);
  await writeFile(identity, await onHost(host, "cat /root/other"), { mode: 0o600 });
  const wrong = await cli(project, "restore-drill", "--host", report.host, "--identity", identity);
  assert.equal(wrong.code, 5, wrong.all);
  assert.match(wrong.stdout, /^It does not hold: .*it cannot be decrypted: age: error: no identity matched/m);
});

test("while its member is down, another one takes the turn; without a quorum a snapshot is taken all the same", async () => {
  const before = (await store.keys()).length;
  await onHost(1, "systemctl stop etcd");
  await onHost(2, "etcd-host backup");
  const after = await store.keys();
  assert.equal(after.length, before + 2);
  assert.ok(after.some((key) => /\/hourly\/\S+-node2\.db\.gz\.age$/.test(key)));
  await onHost(2, "systemctl stop etcd");
  await onHost(3, "etcd-host backup");
  assert.ok((await kept(3)).some((name) => /-node3-noquorum\.db\.gz\.age$/.test(name)));
  assert.equal((await store.keys()).length, before + 2);
  for (const n of [1, 2]) await onHost(n, "systemctl start etcd");
});

test("taken out of the stack file, the timers are gone, the snapshots stay, and nothing restarts", async () => {
  const before = await kept(2);
  await project.configure({ backup: undefined, maintenance: undefined });
  const hosts = { node1: "prepare", node2: "prepare", node3: "prepare" } as const;
  const up = await planned(project, hosts);
  await up();
  for (const n of NODES) {
    assert.equal(await onHost(n, "systemctl list-unit-files --no-legend 'etcd-*' | wc -l"), "0");
    assert.equal(
      await onHost(n, "ls /etc/etcd"),
      await onHost(n, "ls -d /etc/etcd/* | grep -v store | sed 's|.*/||'"),
    );
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
  assert.deepEqual(await kept(2), before);
});
