// One minor at a time, and a verified snapshot before each step.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { changesAsked, type FakeCluster } from "./cluster.ts";
import type { Result } from "./host.ts";
import { isRefused } from "./member.ts";
import { VERSION } from "./mirror.ts";
import { isUnhealthy, roll, rollingCluster } from "./rolling.ts";
import { step, steppingCluster } from "./stepping.ts";

const SNAPSHOTS = "var/lib/etcd-host/snapshots";

/** A cluster that has agreed on a version, which its members run; node1 is declared at VERSION. */
async function clusterAt(t: TestContext, version: string): Promise<FakeCluster> {
  const cluster = await rollingCluster(t, () => ({
    clusterVersion: () => `${version.replace(/\d+$/, "")}0`,
  }));
  for (const member of cluster.members) member.version = version;
  cluster.answer();
  return cluster;
}

test("the next minor is stepped to; a snapshot is saved, verified and kept, and the lock checked after it", async (t) => {
  const cluster = await clusterAt(t, "3.5.33");
  const { host } = cluster;
  host.binary("etcdutl", '#!/bin/sh\necho "$*" >>"$HOST_ROOT/verified"\n');
  const { code, stderr } = await roll(host);
  assert.equal(code, 0, stderr);
  const [snapshot = "", ...others] = host.list(SNAPSHOTS);
  assert.match(snapshot, /^etcd-3\.5-\d{8}T\d{6}Z-node1\.db$/);
  assert.deepEqual(others, []);
  assert.match(host.read(`${SNAPSHOTS}/${snapshot}`), /^ +a snapshot/);
  assert.equal(host.read("verified"), `snapshot status ${host.file(SNAPSHOTS)}/.new-node1 -w fields\n`);
  assert.ok(stderr.includes(`saved and verified the snapshot ${host.file(SNAPSHOTS, snapshot)}\n`), stderr);
  assert.match(host.read("asked-before"), / snapshot save /, "before the restart");
  assert.match(
    host.read("asked-before"),
    / snapshot save [\s\S]* get etcd-host\/restart\/7b0 --keys-only\n[\s\S]* put etcd-host\/steps\/node1 \S+\n$/,
    "saving takes its time: the lock is checked after it",
  );
  assert.match(
    host.read("asked"),
    new RegExp(`--endpoints=${cluster.member(0).clientUrl} --command-timeout=300s snapshot save`),
    "of this member",
  );
});

test("a healthy member that does not say the cluster's version may know better: no restart, no snapshot", async (t) => {
  const cluster = await rollingCluster(t, (index) => ({
    clusterVersion: () => "3.5.0",
    ...(index === 1 && { silent: "client" }),
  }));
  for (const member of cluster.members) member.version = "3.5.33";
  cluster.answer();
  await isRefused(
    cluster.host,
    () => roll(cluster.host),
    /refused: node2 is healthy, but does not say the cluster's version \(https:\/\/127\.0\.0\.1:\d+\/version\)/,
  );
  assert.deepEqual(changesAsked(cluster.host), []);
});

test("another patch of the same minor needs no snapshot", async (t) => {
  const { host } = await clusterAt(t, "3.6.12");
  assert.equal((await roll(host)).code, 0);
  assert.equal(host.exists(SNAPSHOTS), false);
});

test("3.0, which members say until all have been seen once, is no version that a step could be judged by", async (t) => {
  const cluster = await rollingCluster(t, () => ({ clusterVersion: () => "3.0.0" }));
  const { code, stderr } = await roll(cluster.host);
  assert.equal(code, 0, stderr);
  assert.equal(cluster.host.exists(SNAPSHOTS), false);
});

for (const version of ["3.4.30", "3.7.1", "3.8.0"])
  test(`from ${version} to ${VERSION} no member is restarted`, async (t) => {
    const { host } = await clusterAt(t, version);
    const before = host.snapshot();
    const { code, stderr } = await roll(host);
    assert.equal(code, 3);
    const minor = version.replace(/\.\d+$/, "").replace(".", "\\.");
    assert.match(
      stderr,
      new RegExp(
        `refused: the cluster is at version ${minor}, so etcd 3\\.6\\.14 cannot start in it: one minor at a time, and back only by etcd's downgrade`,
      ),
    );
    assert.deepEqual(host.systemdCalls(), []);
    assert.deepEqual(host.snapshot(), before);
  });

test("a minor is left only from its safe patch on; who runs the new one already does not count", async (t) => {
  const cluster = await clusterAt(t, "3.5.33");
  Object.assign(cluster.member(1), { version: "3.5.9" });
  cluster.answer();
  const { code, stderr } = await roll(cluster.host, { "upgrades-from": "3.5.32" });
  assert.equal(code, 3);
  assert.match(
    stderr,
    /refused: a member runs etcd 3\.5\.9, from which an upgrade to 3\.6 is not safe: go to 3\.5\.32 or newer first\n$/,
  );
  assert.deepEqual(cluster.host.systemdCalls(), []);
  Object.assign(cluster.member(0), { version: "3.5.32" });
  Object.assign(cluster.member(1), { version: "3.6.1" });
  cluster.answer();
  assert.equal((await roll(cluster.host, { "upgrades-from": "3.5.32" })).code, 0);
});

test("a version is compared as numbers", async (t) => {
  const { host } = await rollingCluster(t);
  const { stdout } = await host.shell(
    `for pair in '3.6.9 3.6.10' '3.6.10 3.6.9' '3.6.9 3.6.9' '3.7.1 3.6.0'; do
       # shellcheck disable=SC2086
       if not_older $pair; then echo "$pair"; fi
     done; next_minor 3.9`,
  );
  assert.equal(stdout, "3.6.10 3.6.9\n3.6.9 3.6.9\n3.10\n");
});

/** No member was restarted, and no unfinished snapshot looks like one. */
function assertUntouched(
  { host }: FakeCluster,
  { code, stderr }: Result,
  expected: number,
  why: RegExp,
): void {
  assert.equal(code, expected, stderr);
  assert.match(stderr, why);
  assert.deepEqual(host.systemdCalls(), []);
  if (host.exists(SNAPSHOTS)) assert.doesNotMatch(host.list(SNAPSHOTS).join("\n"), /etcd-/);
}

test("without a snapshot there is no step: not saved, not readable", async (t) => {
  const cluster = await clusterAt(t, "3.5.33");
  const { host } = cluster;
  host.write("answers/refused/save", "context deadline exceeded\n");
  const unsaved =
    /failed: a snapshot before .* cannot be saved: Error: context deadline exceeded; nothing was changed/;
  assertUntouched(cluster, await roll(host), 1, unsaved);
  host.binary("etcdutl", "#!/bin/sh\necho 'Error: snapshot file integrity'\nexit 1\n");
  const unreadable =
    /failed: the snapshot before .* cannot be read back: Error: snapshot file integrity; nothing/;
  assertUntouched(cluster, await roll(host), 1, unreadable);
});

test("ahead of the members, the step to the next minor is judged, and a snapshot kept on the admin host", async (t) => {
  const listeners = () => ({ clusterVersion: () => "3.5.0" });
  const cluster = await steppingCluster(t, { listeners });
  for (const member of cluster.members) member.version = "3.5.20";
  cluster.answer();
  const refusal = await step(cluster, "before", ["--upgrades-from=3.5.32"]);
  assert.equal(refusal.code, 3);
  assert.match(refusal.stderr, /a member runs etcd 3\.5\.20, from which an upgrade to 3\.6 is not safe/);
  assert.equal(cluster.host.exists(SNAPSHOTS), false);
  const options = ["--upgrades-from=3.5.20"];
  const full = await step(cluster, "before", options, { env: { DISK_FREE_KIB: String(199 * 1024) } });
  assert.equal(full.code, 3);
  assert.match(
    full.stderr,
    /needs 200 MiB in \S+\/var\/lib\/etcd-host\/snapshots, and 199 MiB are free; free some, then/,
  );
  assert.doesNotMatch(cluster.host.read("asked"), /snapshot save/);
  assert.equal((await step(cluster, "before", options)).code, 0);
  assert.match(cluster.host.list(SNAPSHOTS).join(), /^etcd-3\.5-\w+\.db$/);
});

/** A cluster at 3.7 that can go back to VERSION; when it is told to, it first says so, and then stores so. */
async function newerCluster(t: TestContext): Promise<FakeCluster> {
  let told = () => false;
  const cluster = await steppingCluster(t, {
    listeners: () => ({ clusterVersion: () => (told() ? "3.6.0" : "3.7.0") }),
  });
  const { host } = cluster;
  told = () => host.exists("answers/told");
  const storesAs = (from: string, to: string) =>
    `sed -i 's/"StorageVersion" : "${from}.0"/"StorageVersion" : "${to}.0"/'`;
  host.write("answers/status", host.read("answers/status").replaceAll('"3.6.0"', '"3.7.0"'));
  host.write("answers/after-enable", ": >told");
  host.fake("sleep", `${storesAs("3.7", "3.6")} "$HOST_ROOT/answers/status"; echo x >>"$HOST_ROOT/slept"`);
  return cluster;
}
const DOWNGRADE = ["snapshot save", "downgrade validate 3.6.0", "downgrade enable 3.6.0"];
const changes = (cluster: FakeCluster) =>
  changesAsked(cluster.host).map((change) => change.replace(/(snapshot save).*/, "$1"));

test("back goes only who is allowed to by name, and by etcd's own procedure", async (t) => {
  const cluster = await newerCluster(t);
  for (const allow of ["", "downgrades", "nospace-alarm"])
    await isRefused(
      cluster.host,
      () => step(cluster, "before", [`--allow=${allow}`]),
      /refused: the cluster is at version 3\.7; going back to 3\.6 needs etcd's downgrade procedure: set etcd:allow: \[downgrade\]/,
    );
  assert.deepEqual(changes(cluster), []);
  const { code, stderr } = await step(cluster, "before", ["--allow=nospace-alarm downgrade"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(changes(cluster), DOWNGRADE);
  assert.match(cluster.host.list(SNAPSHOTS).join(), /^etcd-3\.7-\w+\.db$/);
  assert.match(
    stderr,
    /the downgrade to 3\.6 is enabled, and every member stores its data in the older format\n$/,
  );
  assert.equal(cluster.host.exists("slept"), true, "until they store so");
});

test("a downgrade that was enabled by an earlier run goes on", async (t) => {
  const cluster = await newerCluster(t);
  cluster.host.write("answers/told", "");
  const enabled = '"DowngradeTargetVersion" : "3.6.0"';
  const status = cluster.host.read("answers/status").replaceAll('"DowngradeTargetVersion" : ""', enabled);
  cluster.host.write("answers/status", status);
  const { code, stderr } = await step(cluster, "before", ["--allow=downgrade"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(changes(cluster), []);
  assert.equal(cluster.host.exists("slept"), true);
});

test("a downgrade begins with everybody healthy, and etcd may refuse it", async (t) => {
  const cluster = await newerCluster(t);
  const { host } = cluster;
  host.write("answers/refused/validate", "etcdserver: invalid downgrade target version\n");
  const refusal = await step(cluster, "before", ["--allow=downgrade"]);
  assert.equal(refusal.code, 1);
  assert.match(
    refusal.stderr,
    /failed: etcd refuses 'downgrade validate 3\.6\.0': Error: etcdserver: invalid downgrade target version\n$/,
  );
  assert.deepEqual(changes(cluster), DOWNGRADE.slice(0, 2));
  isUnhealthy(cluster, "node2");
  cluster.answer();
  const unhealthy = await step(cluster, "before", ["--allow=downgrade", "--first=node2"]);
  assert.equal(unhealthy.code, 3);
  assert.match(unhealthy.stderr, /refused: not healthy: node2; a downgrade needs all members healthy\n$/);
});

test("a member that does not say how it stores its data is waited for", async (t) => {
  const cluster = await newerCluster(t);
  cluster.host.write(
    "answers/after-enable",
    ": >told; sed -i 's/3\\.7\\.0/3.6.0/' status; sed -i '0,/\"StorageVersion\".*/{//d}' status\n",
  );
  const { code, stderr } = await step(cluster, "before", ["--allow=downgrade"], {
    settings: "DOWNGRADE_SECONDS=0",
  });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /failed: the members still store data in a newer format after 0 s/);
});

test("members that go on storing the newer form are not waited for without end", async (t) => {
  const cluster = await newerCluster(t);
  const { code, stderr } = await step(cluster, "before", ["--allow=downgrade"], {
    settings: "DOWNGRADE_SECONDS=0",
  });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /failed: the members still store data in a newer format after 0 s; .*downgrade cancel/,
  );
});
