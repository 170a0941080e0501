import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { FakeCluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { DATA, readyHost, servingHost, setState } from "./member.ts";
import { sent } from "./sent.ts";

test("status on a host of no member is refused", async (t) => {
  const host = readyHost(t);
  fs.rmSync(host.paths.STATE_DIR, { recursive: true });
  const { code, stderr } = await host.run(["status"]);
  assert.deepEqual([code, stderr], [3, "etcd-host: refused: this host has not been prepared\n"]);
});

test("status says what runs here, and asks the member itself", async (t) => {
  const host = await servingHost(t);
  host.binary("etcdctl", '#!/bin/sh\necho "etcdctl $*"\n');
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
    host.binary(
      "etcdctl",
      `#!/bin/sh\ncase $* in *--cluster) echo health; exit ${healthCode} ;; *) echo table ;; esac\n`,
    );
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
  host.link();
  host.binary(
    "etcdctl",
    `#!/bin/sh\ncase $* in *"member list -w fields") exec etcdctl "$@" ;; esac\nfor word; do echo "$word"; done\nexit 7\n`,
  );
  const { code, stdout } = await host.run(["ctl", "put", "a key", "--name=$x", ""]);
  assert.equal(code, 7, "its exit code is etcdctl's");
  const [first = "", last = ""] = [cluster.member(0).clientUrl, cluster.member(2).clientUrl];
  assert.ok(stdout.endsWith(`\n--endpoints=${first},${last}\nput\na key\n--name=$x\n\n`), stdout);
  assert.match(stdout, /^--cacert=\S+client-ca\.crt\n--cert=\S+operator\.crt\n--key=\S+operator\.key\n/);
});

/** An etcdctl that says what it was asked, and is healthy at these endpoints alone. */
function saysWhatItIsAsked(host: Host, ...healthy: readonly string[]): void {
  const answers = healthy.map(
    (url) => `*"--endpoints=${url} endpoint health") echo "${url} is healthy: x" ;;`,
  );
  host.link();
  host.binary(
    "etcdctl",
    `#!/bin/sh
case $* in
  *"member list -w fields") exec etcdctl "$@" ;;
  ${answers.join("\n  ")}
  *"endpoint health") echo "is unhealthy: context deadline exceeded" >&2; exit 1 ;;
esac
shift 3
for word; do echo "$word"; done
case $* in *save*) cat "$HOST_ROOT/sent" >"$word" ;; esac
`,
  );
}
const given = (stdout: string) => stdout.trimEnd().split("\n");

test("endpoints that an operator names replace ours, in both forms and wherever they are", async (t) => {
  const { host } = await FakeCluster.create(t);
  saysWhatItIsAsked(host);
  host.write("sent", sent());
  const url = "https://192.0.2.12:2379";
  for (const words of [
    [`--endpoints=${url}`, "endpoint", "hashkv"],
    ["--endpoints", url, "endpoint", "hashkv"],
    ["endpoint", "hashkv", `--endpoints=${url}`],
    ["--endpoints", url, "snapshot", "save", host.file("snapshot.db")],
  ])
    assert.deepEqual(given((await host.run(["ctl", ...words])).stdout), words);
  assert.equal(host.exists("asked"), false, "no member list is asked for");
});

test("what comes after -- is no option: a key may be called anything", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  saysWhatItIsAsked(cluster.host);
  const [ours = "", ...words] = given(
    (await cluster.host.run(["ctl", "put", "--", "--endpoints=x", "y"])).stdout,
  );
  assert.match(ours, /^--endpoints=https:/);
  assert.deepEqual(words, ["put", "--", "--endpoints=x", "y"]);
});

test("ctl snapshot save asks one member that is healthy, this host's own first", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  const { host } = cluster;
  const third = cluster.member(2).clientUrl;
  const words = ["--command-timeout", "60s", "snapshot", "-w", "json", "save", host.file("defrag")];
  host.write("sent", sent());
  for (const healthy of [["https://127.0.0.1:2379", third], [third]]) {
    saysWhatItIsAsked(host, ...healthy);
    const { stdout } = await host.run(["ctl", ...words]);
    assert.deepEqual(given(stdout), [`--endpoints=${healthy[0]}`, ...words]);
  }
  host.write("sent", sent().subarray(512));
  const damaged = await host.run(["ctl", ...words]);
  assert.equal(damaged.code, 1);
  assert.match(
    damaged.stderr,
    /failed: the snapshot \S+\/defrag is not what the member sent: its sha256 differs/,
  );
  saysWhatItIsAsked(host);
  const { code, stdout, stderr } = await host.run(["ctl", ...words]);
  assert.deepEqual([code, stdout], [3, ""]);
  assert.match(
    stderr,
    /refused: no member is healthy, .*add --endpoints=URL to take it of one that still runs/,
  );
});

test("ctl defrag is refused, however it is written, and names what does it safely", async (t) => {
  const cluster = await FakeCluster.create(t);
  cluster.answer();
  const { host } = cluster;
  saysWhatItIsAsked(host);
  for (const words of [
    ["defrag"],
    ["defrag", "--cluster"],
    ["--command-timeout=60s", "defrag"],
    ["--command-timeout", "60s", "--debug", "defrag"],
    ["--endpoints", "https://192.0.2.12:2379", "defrag"],
  ]) {
    const { code, stdout, stderr } = await host.run(["ctl", ...words]);
    assert.deepEqual([code, stdout], [3, ""], words.join(" "));
    assert.match(stderr, /refused: etcdctl defrag .* use 'etcd-host defragment' .*'npm run defragment'/);
  }
  for (const words of [
    ["get", "defrag"],
    ["put", "a", "defrag"],
    ["--user", "defrag", "get", "a"],
  ])
    assert.deepEqual(given((await host.run(["ctl", ...words])).stdout).slice(1), words);
});

test("ctl where the members cannot be listed asks those of the first start", async (t) => {
  const host = await servingHost(t);
  const env = "etc/etcd/bootstrap.env";
  host.write(env, host.read(env).replace("https://127.0.0.1:1", "https://192.0.2.12:2380"));
  host.binary("etcdctl", '#!/bin/sh\ncase $* in *"-w fields") exit 1 ;; esac\necho "$*"\n');
  assert.match(
    (await host.run(["ctl", "endpoint", "status"])).stdout,
    /--endpoints=https:\/\/192\.0\.2\.11:2379,https:\/\/192\.0\.2\.12:2379 endpoint status\n$/,
  );
});

test("facts are one a line: what is not there has none", async (t) => {
  const host = await servingHost(t);
  host.write("var/lib/etcd-host/last-verify", "2026-11-24T09:00:00Z 2\n");
  host.binary("etcdctl", "#!/bin/sh\necho '[{\"Status\":{}}]'\n");
  const { code, stdout } = await host.run(["facts"]);
  assert.equal(code, 0);
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    "member node1 0",
    "service active",
    "verify 2026-11-24T09:00:00Z 2",
    'status [{"Status":{}}]',
  ]);
  setState(host, "failed", "failed", 0);
  host.binary("etcdctl", "#!/bin/sh\nexit 1\n");
  assert.doesNotMatch((await host.run(["facts"])).stdout, /^status/m);
});
