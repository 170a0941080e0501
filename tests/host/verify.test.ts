// verify: is this host as declared? Found by what it wrote down itself; what the stack sends is in verify-declared.test.ts.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import type { Host } from "./host.ts";
import { DATA, readyHost, setState, UNIT } from "./member.ts";
import { VERSION } from "./mirror.ts";
import { PKI_FILES } from "./pki.ts";
import { declaredHost, dropIn } from "./verifying.ts";

test("verify finds nothing on a host that is as declared, and changes nothing", async (t) => {
  const host = await declaredHost(t);
  const before = host.snapshot();
  const { code, stdout, stderr } = await host.run(["verify"]);
  assert.deepEqual([code, stdout, stderr], [0, "node1 is as declared\n", ""]);
  assert.deepEqual(host.snapshot(), before);
  assert.deepEqual(host.systemdCalls(), []);
});

/** Makes the process run a file with this content, which is gone since. */
function runs(host: Host, content: string): void {
  host.write("replaced", content);
  fs.mkdirSync(host.file("proc/4711"), { recursive: true });
  fs.symlinkSync(host.file("replaced"), host.file("proc/4711/exe"));
}

test("data behind a link is judged as the folder that it is", async (t) => {
  const host = await declaredHost(t);
  fs.renameSync(host.file(DATA), host.file("var/lib/elsewhere"));
  fs.symlinkSync(host.file("var/lib/elsewhere"), host.file(DATA));
  assert.equal((await host.run(["verify"])).code, 0);
  fs.chmodSync(host.file("var/lib/elsewhere"), 0o755);
  const { stdout } = await host.run(["verify"]);
  assert.match(stdout, /^differs: \S+\/var\/lib\/elsewhere is 755 etcd:etcd, declared 700 etcd:etcd$/m);
});

/** What somebody did to the host, and the line that verify prints. */
const drifts: readonly [string, (host: Host) => void, RegExp][] = [
  [
    "a unit was edited",
    (h) => h.write(h.paths.UNIT_FILE, `${UNIT}Nice=5\n`),
    /^differs: \S+etcd\.service is not what was declared\n$/,
  ],
  [
    "a unit was removed",
    (h) => fs.rmSync(h.paths.UNIT_FILE),
    /^differs: \S+etcd\.service is not what was declared$/m,
  ],
  [
    "bootstrap settings were edited",
    (h) => h.write("etc/etcd/bootstrap.env", ""),
    /^differs: \S+bootstrap\.env is not what was declared$/m,
  ],
  [
    "the program was edited",
    (h) => h.write(h.paths.PROGRAM, "another"),
    /^differs: \S+sbin\/etcd-host is not what was declared$/m,
  ],
  [
    "a binary was replaced",
    (h) => h.write(`opt/etcd/${VERSION}/etcd`, "another"),
    /^differs: \S+\/etcd is not what was declared$/m,
  ],
  [
    "a certificate was replaced",
    (h) => h.write("etc/etcd/pki/server.crt", "another"),
    /^differs: \S+server\.crt is not what was declared$/m,
  ],
  [
    "a key can be read by others",
    (h) => fs.chmodSync(h.file("etc/etcd/pki/peer.key"), 0o644),
    /^differs: \S+peer\.key is 644 root:etcd, declared 640 root:etcd$/m,
  ],
  [
    "a key has another owner",
    (h) => fs.chownSync(h.file("etc/etcd/pki/peer.key"), 1, 0),
    /^differs: \S+peer\.key is 640 daemon:root, declared 640 root:etcd$/m,
  ],
  [
    "a certificate is gone",
    (h) => fs.rmSync(h.file("etc/etcd/pki/peer.crt")),
    /^differs: \S+peer\.crt is missing, declared 644 root:etcd$/m,
  ],
  [
    "the data can be read by others",
    (h) => fs.chmodSync(h.file(DATA), 0o755),
    /^differs: \S+\/var\/lib\/etcd is 755 etcd:etcd, declared 700 etcd:etcd$/m,
  ],
  [
    "the WAL is gone",
    (h) => fs.rmSync(h.file(DATA, "member"), { recursive: true }),
    /^differs: \S+\/var\/lib\/etcd holds no WAL$/m,
  ],
  [
    "the service does not come up at boot",
    (h) => h.write("systemd/enabled", "disabled\n"),
    /^differs: etcd\.service is not enabled$/m,
  ],
  [
    "the unit's mode was widened",
    (h) => fs.chmodSync(h.paths.UNIT_FILE, 0o666),
    /^differs: \S+etcd\.service is 666 root:root, declared 644 root:root$/m,
  ],
  [
    "the program's mode was widened",
    (h) => fs.chmodSync(h.paths.PROGRAM, 0o777),
    /^differs: \S+sbin\/etcd-host is 777 root:root, declared 755 root:root$/m,
  ],
  [
    "the bootstrap settings' mode was widened",
    (h) => fs.chmodSync(h.file("etc/etcd/bootstrap.env"), 0o644),
    /^differs: \S+bootstrap\.env is 644 root:etcd, declared 640 root:etcd$/m,
  ],
  [
    "a binary's mode was widened",
    (h) => fs.chmodSync(h.file(`opt/etcd/${VERSION}/etcd`), 0o775),
    /^differs: \S+\/etcd is 775 root:root, declared 755 root:root$/m,
  ],
  [
    "a drop-in changes the unit",
    (h) => dropIn(h, "etcd.service.d/10-nice.conf"),
    /^differs: \S+\/etcd\.service\.d\/10-nice\.conf changes the unit$/m,
  ],
  [
    "the process was started with a drop-in that is gone now",
    (h) => h.write("run/etcd-host/started/drop-ins", "/etc/systemd/system/etcd.service.d/10-nice.conf\n"),
    /^differs: the running process has another drop-in$/m,
  ],
  [
    "the process runs another binary than the installed one",
    (h) => runs(h, "another etcd"),
    /^differs: the running process has another binary$/m,
  ],
  ["the service is down", (h) => setState(h, "failed", "failed", 0), /^differs: etcd\.service is failed$/m],
  [
    "the process was started with another unit",
    (h) => h.write("run/etcd-host/started/unit", `${UNIT}Nice=5\n`),
    /^differs: the running process has another unit\n$/,
  ],
  [
    "the process runs with older CAs",
    (h) => h.write("run/etcd-host/started/peer-ca.crt", "old"),
    /^differs: the running process has another peer-CA-bundle$/m,
  ],
];

for (const [title, drift, line] of drifts)
  test(`verify, exit 5: ${title}`, async (t) => {
    const host = await declaredHost(t);
    drift(host);
    const before = host.snapshot();
    const { code, stdout } = await host.run(["verify"]);
    assert.equal(code, 5);
    assert.match(stdout, line);
    assert.match(stdout, /^(differs: .*\n)+$/);
    assert.deepEqual(host.snapshot(), before);
  });

test("verify reports every difference at once", async (t) => {
  const host = await declaredHost(t);
  for (const file of PKI_FILES) fs.chmodSync(host.file("etc/etcd/pki", file), 0o777);
  host.write("systemd/enabled", "disabled\n");
  const { stdout } = await host.run(["verify"]);
  assert.equal(stdout.trim().split("\n").length, PKI_FILES.length + 1);
});

test("what is as declared is no difference: a system's drop-in for all units, and the installed binary", async (t) => {
  const host = await declaredHost(t);
  dropIn(host, "service.d/10-timeout-abort.conf");
  runs(host, host.read(`opt/etcd/${VERSION}/etcd`));
  const { code, stdout } = await host.run(["verify"]);
  assert.deepEqual([code, stdout], [0, "node1 is as declared\n"]);
});

test("verify on a host of no member is refused", async (t) => {
  const host = readyHost(t);
  fs.rmSync(host.paths.STATE_DIR, { recursive: true });
  const { code, stderr } = await host.run(["verify"]);
  assert.deepEqual([code, stderr], [3, "etcd-host: refused: this host has not been prepared\n"]);
});
