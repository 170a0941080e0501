import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { FakeCluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { DATA, readyHost, servingHost, setState, UNIT } from "./member.ts";
import { VERSION } from "./mirror.ts";
import { PKI_FILES } from "./pki.ts";

/** A host that every step has run on, each with its declaration. */
async function declaredHost(t: TestContext): Promise<Host> {
  const host = await servingHost(t);
  host.write("usr/local/sbin/etcd-host", "the program\n", 0o755);
  const declare = [
    'declare_files prepare "$PROGRAM"',
    `declare_files install "$OPT_DIR/${VERSION}/etcd" "$OPT_DIR/${VERSION}/etcdctl"`,
    'for file in $PKI_FILES; do set -- "$@" "$ETC_DIR/pki/$file"; done; shift $(($# - 8)); declare_files certificates "$@"',
  ];
  for (const snippet of declare) await host.shell(snippet);
  return host;
}

test("verify finds nothing on a host that is as declared, and changes nothing", async (t) => {
  const host = await declaredHost(t);
  const before = host.snapshot();
  const { code, stdout, stderr } = await host.run(["verify"]);
  assert.deepEqual([code, stdout, stderr], [0, "node1 is as declared\n", ""]);
  assert.deepEqual(host.snapshot(), before);
  assert.deepEqual(host.systemdCalls(), []);
});

/** What somebody did to the host, and the line that verify prints. */
const drifts: readonly [string, (host: Host) => void, RegExp][] = [
  [
    "a unit was edited",
    (h) => h.write(h.paths.UNIT_FILE, `${UNIT}Nice=5\n`),
    /^differs: \S+etcd\.service is not what was declared\ndiffers: the running process has another unit$/m,
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
    /^differs: \S+\/var\/lib\/etcd is not 700 etcd:etcd$/m,
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
  ["the service is down", (h) => setState(h, "failed", "failed", 0), /^differs: etcd\.service is failed$/m],
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

test("verify and status on a host of no member are refused", async (t) => {
  const host = readyHost(t);
  fs.rmSync(host.paths.STATE_DIR, { recursive: true });
  for (const subcommand of ["verify", "status"]) {
    const { code, stderr } = await host.run([subcommand]);
    assert.deepEqual([code, stderr], [3, "etcd-host: refused: this host is prepared for no member\n"]);
  }
});

test("status says what runs here, and asks the member itself", async (t) => {
  const host = await servingHost(t);
  host.write(`opt/etcd/${VERSION}/etcdctl`, '#!/bin/sh\necho "etcdctl $*"\n', 0o755);
  const { code, stdout } = await host.run(["status"]);
  assert.equal(code, 0);
  assert.match(stdout, /^member {4}node1, incarnation 0$/m);
  assert.match(stdout, /^service {3}active \(running\), enabled$/m);
  assert.match(stdout, /^data {6}\S+\/var\/lib\/etcd, \d+ MiB$/m);
  assert.match(stdout, /^etcdctl .*--endpoints=https:\/\/127\.0\.0\.1:2379 endpoint status -w table$/m);
  assert.doesNotMatch(stdout, /no WAL/);
});

test("status of a member that is down shows its last words, and exits 5", async (t) => {
  const host = await servingHost(t);
  setState(host, "failed", "failed", 0);
  fs.rmSync(host.file(DATA, "member"), { recursive: true });
  host.write("journal", "panic: tocommit is out of range\n");
  const { code, stdout } = await host.run(["status"]);
  assert.equal(code, 5);
  assert.match(stdout, /^service {3}failed \(failed\), enabled$/m);
  assert.match(
    stdout,
    /^ {10}no WAL in it: etcd does not start without \(raise the node's incarnation to replace the member\)$/m,
  );
  assert.match(stdout, /^panic: tocommit is out of range$/m);
});

test("health shows the cluster as etcdctl does, and exits 5 if it is not healthy", async (t) => {
  const host = await servingHost(t);
  const etcdctl = (healthCode: number) =>
    host.write(
      "usr/local/bin/etcdctl",
      `#!/bin/sh\ncase $* in *--cluster) echo health; exit ${healthCode} ;; *) echo table ;; esac\n`,
      0o755,
    );
  fs.rmSync(host.file("usr/local/bin/etcdctl"));
  etcdctl(0);
  assert.deepEqual(await host.run(["health"]), { code: 0, stdout: "health\ntable\n", stderr: "" });
  etcdctl(1);
  assert.deepEqual(await host.run(["health"]), { code: 5, stdout: "health\ntable\n", stderr: "" });
});

test("ctl is etcdctl against every member that has started, its arguments as they were given", async (t) => {
  const cluster = await FakeCluster.create(t);
  Object.assign(cluster.member(1), { name: "", clientUrl: "" });
  cluster.answer();
  const { host } = cluster;
  host.write(
    "usr/local/bin/etcdctl",
    `#!/bin/sh\ncase $* in *"member list -w fields") exec "$HOST_ROOT/opt/etcd/${VERSION}/etcdctl" "$@" ;; esac\nfor word; do echo "$word"; done\nexit 7\n`,
    0o755,
  );
  const { code, stdout } = await host.run(["ctl", "put", "a key", "--name=$x", ""]);
  assert.equal(code, 7, "its exit code is etcdctl's");
  const [first = "", last = ""] = [cluster.member(0).clientUrl, cluster.member(2).clientUrl];
  assert.ok(stdout.endsWith(`\n--endpoints=${first},${last}\nput\na key\n--name=$x\n\n`), stdout);
  assert.match(stdout, /^--cacert=\S+client-ca\.crt\n--cert=\S+operator\.crt\n--key=\S+operator\.key\n/);
});

test("ctl where the members cannot be listed asks those of the first start", async (t) => {
  const host = await servingHost(t);
  fs.rmSync(host.file("usr/local/bin/etcdctl"));
  host.write(
    "usr/local/bin/etcdctl",
    '#!/bin/sh\ncase $* in *"-w fields") exit 1 ;; esac\necho "$*"\n',
    0o755,
  );
  assert.match(
    (await host.run(["ctl", "endpoint", "status"])).stdout,
    /--endpoints=https:\/\/192\.0\.2\.11:2379,https:\/\/192\.0\.2\.12:2379 endpoint status\n$/,
  );
});
