import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { FakeCluster } from "./cluster.ts";
import { DATA, readyHost, servingHost, setState } from "./member.ts";
import { VERSION } from "./mirror.ts";

test("status on a host of no member is refused", async (t) => {
  const host = readyHost(t);
  fs.rmSync(host.paths.STATE_DIR, { recursive: true });
  const { code, stderr } = await host.run(["status"]);
  assert.deepEqual([code, stderr], [3, "etcd-host: refused: this host has not been prepared\n"]);
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
    /^ {10}no WAL: etcd does not start without one \(raise the node's incarnation to replace the member\)$/m,
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
  const env = "etc/etcd/bootstrap.env";
  host.write(env, host.read(env).replace("https://127.0.0.1:1", "https://192.0.2.12:2380"));
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

test("facts are one a line: what is not there has none", async (t) => {
  const host = await servingHost(t);
  host.write("var/lib/etcd-host/last-verify", "2026-11-24T09:00:00Z 2\n");
  host.write(`opt/etcd/${VERSION}/etcdctl`, "#!/bin/sh\necho '[{\"Status\":{}}]'\n", 0o755);
  const { code, stdout } = await host.run(["facts"]);
  assert.equal(code, 0);
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    "member node1 0",
    "service active",
    "verify 2026-11-24T09:00:00Z 2",
    'status [{"Status":{}}]',
  ]);
  setState(host, "failed", "failed", 0);
  host.write(`opt/etcd/${VERSION}/etcdctl`, "#!/bin/sh\nexit 1\n", 0o755);
  assert.doesNotMatch((await host.run(["facts"])).stdout, /^status/m);
});
