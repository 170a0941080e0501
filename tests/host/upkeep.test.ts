// Timers: set up by a step, changed by it, and taken away again.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { test } from "node:test";
import { backedUp, STATE, upkeep } from "./backing-up.ts";
import { permissions } from "./host.ts";
import { withAge } from "./packing.ts";
import { rollingCluster } from "./rolling.ts";

const UNITS = "etc/systemd/system";
const ours = (names: readonly string[]) => names.filter((name) => /backup|defragment/.test(name));

for (const [interval, calendar, spread] of [
  ["5m", "*:0/5", 30],
  ["15m", "*:0/15", 90],
  ["1h", "*:00", 360],
  ["6h", "0/6:00", 2160],
  ["24h", "00:00", 8640],
] as const)
  test(`every ${interval} is ${calendar}, with less weight than etcd has`, async (t) => {
    const { host } = await backedUp(t, { interval });
    const timer = host.read(`${UNITS}/etcd-backup.timer`);
    assert.ok(
      timer.includes(`\nOnCalendar=${calendar}\nRandomizedDelaySec=${spread}\nPersistent=true\n`),
      timer,
    );
    const service = host.read(`${UNITS}/etcd-backup.service`);
    assert.match(
      service,
      /\nExecStart=\S+\/etcd-host backup --by-timer\nSuccessExitStatus=4\nTimeoutStartSec=2h\nNice=19\n/,
    );
    assert.match(service, /\nIOSchedulingClass=idle\nCPUWeight=20\nIOWeight=10\nOOMScoreAdjust=900\n/);
    assert.deepEqual(host.systemdCalls().slice(-3), [
      "daemon-reload",
      "enable --quiet etcd-backup.timer",
      "restart etcd-backup.timer",
    ]);
    assert.equal(permissions(host.file(`${UNITS}/etcd-backup.timer`)), "644 0:0");
    assert.match(host.read(`${STATE}/upkeep`), /^interval=\d+\nkeep=3\nreserve=1024\nmax_age=10800\n/);
    const { status, stderr } = spawnSync("systemd-analyze", ["calendar", calendar], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });

test("a defragmentation has a timer and a rule of its own, and what is not asked for has none", async (t) => {
  const { host } = await backedUp(t, {
    interval: "",
    defragment: "Sun 03:00",
    "free-mib": "100",
    "free-percent": "45",
  });
  assert.deepEqual(ours(host.list(UNITS)), ["etcd-defragment.service", "etcd-defragment.timer"]);
  assert.match(host.read(`${UNITS}/etcd-defragment.timer`), /\nOnCalendar=Sun 03:00 UTC\n/);
  assert.match(
    host.read(`${UNITS}/etcd-defragment.service`),
    /\nExecStart=\S+ defragment --by-rule --free-mib=100 --free-percent=45\n/,
  );
  assert.match(
    (await host.run(["backup"])).stderr,
    /refused: no backup is configured on this host; set etcd:backup/,
  );
  await upkeep(host);
  assert.deepEqual(ours(host.list(UNITS)), ["etcd-backup.service", "etcd-backup.timer"]);
  assert.ok(host.systemdCalls().includes("disable --quiet --now etcd-defragment.timer"));
});

test("what would fail in the night is refused by day, and nothing is changed", async (t) => {
  const { host } = await rollingCluster(t);
  const before = host.snapshot();
  const noAge = await upkeep(host, { recipients: "age1us" });
  assert.equal(noAge.code, 3);
  assert.match(
    noAge.stderr,
    /refused: age is not installed on node1; install it, or set etcd:backup\.encryption to "store"/,
  );
  host.fake("curl", "echo 'curl 7.76.1 (x86_64)'");
  const oldCurl = await upkeep(host, { store: "https://s3" });
  assert.equal(oldCurl.code, 3);
  assert.match(oldCurl.stderr, /refused: curl 7\.76 on this host cannot sign for S3; install 7\.88 or newer/);
  assert.deepEqual(host.snapshot(), before);
});

test("the key of the store is in a file of root's, and nowhere else", async (t) => {
  const { host } = await rollingCluster(t);
  const options = { store: "https://s3/b", "store-prefix": "etcd", "store-region": "r" };
  const stdin = "== store.key\nKEYID:S+C/RET=\n== store-ca.crt\n-----BEGIN CERTIFICATE-----\nAAAA\n";
  const { code, stderr } = await upkeep(host, options, { stdin });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(host.read("etc/etcd/store.curlrc"), 'user = "KEYID:S+C/RET="\n');
  assert.equal(permissions(host.file("etc/etcd/store.curlrc")), "600 0:0");
  assert.match(host.read("etc/etcd/store.conf"), /^url=https:\/\/s3\/b\nprefix=etcd\nregion=r\n/);
  assert.equal(host.read("etc/etcd/store-ca.crt"), "-----BEGIN CERTIFICATE-----\nAAAA\n");
  for (const [file, content] of Object.entries(host.snapshot()))
    if (!file.endsWith("store.curlrc"))
      assert.doesNotMatch(Buffer.from(content.split(" ")[2] ?? "", "base64").toString(), /S\+C/, file);
  await upkeep(host); // without a store
  assert.deepEqual(
    host.list("etc/etcd").filter((name) => name.startsWith("store")),
    [],
  );
});

test("cut off on the way, no snapshot goes in clear to a new store, and no key stays after all is taken away", async (t) => {
  const { host } = await backedUp(t, { store: "https://s3/old" });
  withAge(host);
  const words = (options: Readonly<Record<string, string>>) =>
    Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const now = { interval: "1h", keep: "3", reserve: "1", "max-age": "10800" };
  const other = { store: "https://s3/new", recipients: "age1us" };
  const key = { stdin: "== store.key\nKEYID:SECRET\n" };
  const cut = (at: string) =>
    host.shell(
      `${at}() { kill -9 $$; }; cmd_upkeep`,
      words({ name: "node1", incarnation: "0", owner: "urn:upkeep", ...now, ...other }),
      key,
    );
  await cut("write_upkeep");
  assert.equal(host.exists("etc/etcd/store.conf"), false);
  await cut("write_units");
  assert.match(host.read(`${STATE}/upkeep`), /^recipients=age1us$/m);
  assert.match(host.read("etc/etcd/store.conf"), /^url=https:\/\/s3\/new$/m);
  fs.rmSync(host.file(`${STATE}/upkeep`));
  await host.run(["remove-upkeep", "--name=node1", "--incarnation=0", "--owner=urn:upkeep"]);
  assert.deepEqual(
    host.list("etc/etcd").filter((name) => name.startsWith("store")),
    [],
  );
});

test("verify knows the units, their settings and whether the timers run", async (t) => {
  const { host } = await backedUp(t);
  host.write("systemd/active", "etcd-backup.timer\n");
  const differences = async () => {
    const { stdout } = await host.run(["verify"]);
    return stdout.split("\n").filter((line) => /backup|upkeep/.test(line));
  };
  assert.deepEqual(await differences(), []);
  host.write("systemd/active", "");
  host.write(`${UNITS}/etcd-backup.timer`, "[Timer]\n");
  assert.deepEqual(await differences(), [
    `differs: ${host.file(`${UNITS}/etcd-backup.timer`)} is not what was declared`,
    "differs: etcd-backup.timer is not active",
  ]);
});

test("taken away, nothing of it stays but the snapshots; of another owner nothing is touched", async (t) => {
  const { host } = await backedUp(t, { store: "https://s3/b" });
  withAge(host);
  host.write(`${STATE}/snapshots/20261127T060000Z-r1-3.6-node1.db.gz`, "kept");
  const remove = (owner: string) =>
    host.run(["remove-upkeep", "--name=node1", "--incarnation=0", `--owner=${owner}`]);
  const before = host.snapshot();
  assert.match((await remove("urn:other")).stdout, /nothing to do: on this host upkeep is no longer ours/);
  assert.deepEqual(host.snapshot(), before);
  assert.equal((await remove("urn:upkeep")).code, 0);
  assert.deepEqual(ours(host.list(UNITS)), []);
  assert.ok(host.systemdCalls().includes("disable --quiet --now etcd-backup.timer"));
  const left = Object.keys(host.snapshot()).filter((file) => /store|upkeep|backup/.test(file));
  assert.deepEqual(left, []);
  assert.deepEqual(host.list(`${STATE}/snapshots`), ["20261127T060000Z-r1-3.6-node1.db.gz"]);
});
