// Files that change the unit from beside it: whatever step comes to the unit keeps them aside.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Host } from "./host.ts";
import { bundlesDigest, FILES, servingHost, setState, start, UNIT } from "./member.ts";
import { BROKEN_UNIT, roll, rollingCluster } from "./rolling.ts";
import { dropIn } from "./verifying.ts";

const FILE = "etcd.service.d/10-nice.conf";
const ALL_UNITS = "service.d/10-timeout-abort.conf";

function disturb(host: Host): void {
  dropIn(host, FILE);
  dropIn(host, ALL_UNITS);
}

/** The file is kept and named, those for all units are left alone, and systemd reads its files again. */
function isKeptAside(host: Host, stderr: string): void {
  const [, aside = ""] =
    /^etcd-host: the drop-ins that changed the unit are kept in (\S+)$/m.exec(stderr) ?? [];
  assert.equal(path.dirname(aside), host.paths.STATE_DIR, stderr);
  const kept = path.join(aside, host.file("etc/systemd/system", FILE));
  assert.deepEqual(fs.readdirSync(path.dirname(kept)), [path.basename(FILE)]);
  assert.equal(host.read(kept), "[Service]\nNice=5\n");
  assert.equal(host.exists(`etc/systemd/system/${FILE}`), false);
  assert.equal(host.exists(`etc/systemd/system/${ALL_UNITS}`), true);
  assert.ok(host.systemdCalls().includes("daemon-reload"));
}

async function serving(t: TestContext): Promise<Host> {
  const host = await servingHost(t);
  disturb(host);
  return host;
}

test("start: of a running member, whose process is as declared", async (t) => {
  const host = await serving(t);
  const { code, stdout, stderr } = await start(host, { bundles: bundlesDigest(FILES) });
  assert.deepEqual([code, stdout], [0, "node1 runs as declared\n"]);
  isKeptAside(host, stderr);
  assert.ok(!host.systemdCalls().some((call) => /^(re)?start/.test(call)), "it is not restarted for it");
});

test("start: of a stopped member", async (t) => {
  const host = await serving(t);
  const loaded = /^DropInPaths=.*\n/m.exec(host.read("systemd/properties"))?.[0] ?? "";
  setState(host, "inactive", "dead", 0);
  host.write("systemd/properties", `${host.read("systemd/properties")}${loaded}`);
  const { stdout, stderr } = await start(host);
  assert.match(stdout, /^started node1$/m);
  isKeptAside(host, stderr);
});

test("roll: with a restart, and without one", async (t) => {
  for (const unit of [undefined, UNIT]) {
    const { host } = await rollingCluster(t);
    disturb(host);
    const { code, stderr } = await roll(host, {}, unit === undefined ? {} : { unit });
    assert.equal(code, 0, stderr);
    isKeptAside(host, stderr);
    assert.equal(/restarted node1/.test(stderr), unit === undefined);
  }
});

test("roll: a process that was started with a drop-in is restarted, although it is gone", async (t) => {
  const { host } = await rollingCluster(t);
  host.write("run/etcd-host/started/drop-ins", "/etc/systemd/system/etcd.service.d/10-nice.conf\n");
  assert.match((await roll(host, {}, { unit: UNIT })).stderr, /^etcd-host: restarted node1/);
});

test("a file that is gone, which systemd has not noticed, stops no step", async (t) => {
  const host = await serving(t);
  fs.rmSync(host.file("etc/systemd/system", FILE));
  const { code, stderr } = await start(host);
  assert.equal(code, 0, stderr);
  assert.ok(host.systemdCalls().includes("daemon-reload"));
});

test("started: the drop-ins of this very process are written down, without those for all units", async (t) => {
  const host = await serving(t);
  await host.run(["started"]);
  assert.equal(host.read("run/etcd-host/started/drop-ins"), `${host.file("etc/systemd/system", FILE)}\n`);
});

test("roll: settings that etcd rejects come back with the file that was beside them", async (t) => {
  const { host } = await rollingCluster(t);
  disturb(host);
  const { code, stderr } = await roll(host, {}, { unit: BROKEN_UNIT });
  assert.equal(code, 1);
  assert.match(stderr, /runs with the old ones again/);
  assert.equal(host.read(`etc/systemd/system/${FILE}`), "[Service]\nNice=5\n");
});

test("a process from before drop-ins were recorded is judged by those that are there", async (t) => {
  const { host } = await rollingCluster(t);
  fs.rmSync(host.file("run/etcd-host/started/drop-ins"), { force: true });
  assert.match((await roll(host, {}, { unit: UNIT })).stdout, /runs as declared/);
  disturb(host);
  assert.match((await roll(host, {}, { unit: UNIT })).stderr, /^etcd-host: restarted node1/m);
});
