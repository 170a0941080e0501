import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import { test } from "node:test";
import { Host } from "./host.ts";

const main = fs.readFileSync(new URL("../../host/sh/main.sh", import.meta.url), "utf8");
const subcommands = [...main.matchAll(/^ {4}([a-z-]+)\) cmd_/gm)].map(([, name = ""]) => name);

/** What each step must be told. */
const needed = {
  prepare: [
    "name",
    "incarnation",
    "cluster",
    "owner",
    "address",
    "listen",
    "data-dir",
    "quota",
    "metrics-url",
  ],
  install: ["name", "version", "mirror", "owner"],
  certificates: ["name", "incarnation", "owner", "address"],
  start: [
    "name",
    "incarnation",
    "owner",
    "version",
    "data-dir",
    "initial-state",
    "initial-cluster",
    "initial-token",
    "peer-url",
    "metrics-url",
    "bundles",
  ],
  before: ["version"],
  membership: ["version"],
  prove: ["version"],
  stop: ["name", "incarnation", "owner"],
  "remove-certificates": ["name", "incarnation", "owner"],
  "remove-binaries": ["name", "incarnation", "owner"],
  "remove-host": ["name", "incarnation", "owner"],
};

test("an unknown subcommand or option is a wrong call: exit 2, and nothing has run", async (t) => {
  const host = Host.create(t);
  const before = host.snapshot();
  const command = await host.run(["destroy"]);
  assert.deepEqual(
    [command.code, command.stderr],
    [2, "etcd-host: unknown subcommand 'destroy' (etcd-host help)\n"],
  );
  for (const option of ["--nodes=3", "--yes=no", "name=node1", ""]) {
    const { code, stderr } = await host.run(["prepare", option]);
    assert.deepEqual([code, stderr], [2, `etcd-host: unknown option '${option}' (etcd-host help)\n`]);
  }
  assert.deepEqual(host.snapshot(), before);
});

test("every step says which option is missing", async (t) => {
  const host = Host.create(t);
  const before = host.snapshot();
  for (const [subcommand, options] of Object.entries(needed))
    for (const option of options) {
      const others = options.filter((other) => other !== option).map((other) => `--${other}=1`);
      const { code, stderr } = await host.run([subcommand, ...others]);
      assert.deepEqual(
        [code, stderr],
        [2, `etcd-host: the option --${option} is missing (etcd-host help)\n`],
      );
    }
  assert.deepEqual(host.snapshot(), before);
});

test("values arrive as they were given, whatever is in them", async (t) => {
  const host = Host.create(t);
  const value = `a=b 'c' "d" $e \`f\` \\g *`;
  const { stdout } = await host.shell('printf "%s|%s" "$name" "$proxy"', [`--name=${value}`, "--proxy="]);
  assert.equal(stdout, `${value}|`);
});

test("help names every subcommand, and is what a bare call prints", async (t) => {
  const host = Host.create(t);
  const { code, stdout } = await host.run([]);
  assert.equal(code, 0);
  assert.equal((await host.run(["help"])).stdout, stdout);
  assert.ok(subcommands.length > 15);
  for (const subcommand of subcommands) assert.match(stdout, new RegExp(`\\b${subcommand}\\b`), subcommand);
});

test("only root may run what changes or asks something", async (t) => {
  const host = Host.create(t);
  host.fake("id", "echo 1000");
  const before = host.snapshot();
  const calls = Object.entries(needed).map(([subcommand, options]) => [
    subcommand,
    ...options.map((one) => `--${one}=1`),
  ]);
  for (const call of [["status"], ["health"], ["verify"], ["discard"], ["ctl"], ...calls]) {
    const { code, stderr } = await host.run(call);
    assert.deepEqual(
      [code, stderr],
      [3, "etcd-host: refused: etcd-host must run as root (sudo)\n"],
      call.join(" "),
    );
  }
  assert.deepEqual(host.snapshot(), before);
});

test("variables of etcd and etcdctl in the login do not reach etcdctl", async (t) => {
  const host = Host.create(t);
  host.link();
  host.binary("etcdctl", '#!/bin/sh\nenv >"$HOST_ROOT/seen"\n');
  const env = {
    ETCD_NAME: "other",
    ETCDCTL_ENDPOINTS: "https://elsewhere:2379",
    ETCDCTL_API: "2",
    ETCD_TEXT: "two\nlines",
    KEPT: "yes",
  };
  assert.equal((await host.run(["health"], { env })).code, 0);
  const seen = host.read("seen");
  assert.doesNotMatch(seen, /^ETCD/m);
  assert.match(seen, /^KEPT=yes$/m);
});

test("a proxy of the login is not asked for the members, and its settings change no tool", async (t) => {
  const host = Host.create(t);
  host.link();
  host.binary("etcdctl", '#!/bin/sh\nenv >"$HOST_ROOT/seen"\n');
  const names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
  const env = Object.fromEntries(
    [...names, ...names.map((name) => name.toUpperCase())].map((name) => [name, "http://proxy.invalid:3128"]),
  );
  const others = { GRPC_GO_LOG_SEVERITY_LEVEL: "info", TAR_OPTIONS: "--wildcards", POSIXLY_CORRECT: "1" };
  assert.equal((await host.run(["health"], { env: { ...env, ...others } })).code, 0);
  assert.doesNotMatch(host.read("seen"), /proxy|GRPC|TAR_OPTIONS|POSIXLY/i);
});

test("no line is long enough to hang Pulumi's provider, and none but a long one is cut", async (t) => {
  const host = Host.create(t);
  const { stderr } = await host.shell(`
    long=$(head -c 100000 /dev/zero | tr '\\0' x)
    note "$long"
    note "first line
second $long"
    refuse "a reason, $long"`);
  const lines = stderr.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.slice(0, 30).replace(/x+$/, "")),
    ["etcd-host: ", "etcd-host: first line", "second ", "etcd-host: refused: a reason, "],
  );
  assert.deepEqual(
    lines.map((line) => line.length),
    [8000, 21, 8000, 8000],
  );
});

test("a login that exports noclobber does not keep a step from writing", async (t) => {
  const host = Host.create(t);
  host.write("file", "old");
  const env = { SHELLOPTS: "noclobber" };
  const { code } = await host.shell('echo new >"$HOST_ROOT/file"', [], { env, shell: "bash" });
  assert.deepEqual([code, host.read("file")], [0, "new\n"]);
});

test("a connection that is cut does not end a run in the middle", async (t) => {
  const host = Host.create(t);
  const child = host.spawn('kill -PIPE $$; kill -HUP $$; say one; note two; : >"$HOST_ROOT/end"\n', []);
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.end();
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  assert.ok(host.exists("end"));
});

test("a second run on the same host waits for the first", async (t) => {
  const host = Host.create(t);
  const first = host.shell(
    'take_lock; : >"$HOST_ROOT/held"; until [ -e "$HOST_ROOT/go" ]; do sleep 0.01; done; echo first >>"$HOST_ROOT/order"',
  );
  await appears(host, "held");
  const second = host.shell('take_lock; echo second >>"$HOST_ROOT/order"');
  await appears(host, "flock-calls", /-w 120 9/);
  host.write("go", "");
  assert.equal((await first).code, 0);
  const { code, stderr } = await second;
  assert.deepEqual(
    [code, stderr],
    [0, "etcd-host: waiting for another run of etcd-host on this host\netcd-host: the other run has ended\n"],
  );
  assert.equal(host.read("order"), "first\nsecond\n");
});

test("a run whose caller went away while it waited begins nothing", async (t) => {
  const host = Host.create(t);
  const first = host.shell(
    'take_lock; : >"$HOST_ROOT/held"; until [ -e "$HOST_ROOT/go" ]; do sleep 0.01; done',
  );
  await appears(host, "held");
  const second = host.spawn('take_lock; : >"$HOST_ROOT/begun"\n', []);
  const ended = once(second, "close");
  await appears(host, "flock-calls", /-w 120 9/);
  second.stdout.destroy();
  second.stderr.destroy();
  second.stdin.end();
  host.write("go", "");
  assert.equal((await first).code, 0);
  assert.deepEqual(await ended, [4, null]);
  assert.equal(host.exists("begun"), false);
});

test("binaries and certificates are written side by side, each by one run, and nothing else beside them", async (t) => {
  const host = Host.create(t);
  const installing = host.shell(
    'share_lock install; : >"$HOST_ROOT/held"; until [ -e "$HOST_ROOT/go" ]; do sleep 0.01; done',
  );
  await appears(host, "held");
  const takes = async (lock: string) => (await host.shell(lock, [], { env: { LOCK_SECONDS: "0.01" } })).code;
  assert.equal(await takes("share_lock certificates"), 0);
  assert.equal(await takes("share_lock install"), 4);
  assert.equal(await takes("take_lock"), 4);
  host.write("go", "");
  assert.equal((await installing).code, 0);
  assert.equal(await takes("take_lock"), 0);
});

test("whatever changes a host gives up with exit 4 while another run holds the lock, and says who", async (t) => {
  const host = Host.create(t);
  const holder = host.shell(
    'take_lock; : >"$HOST_ROOT/held"; until [ -e "$HOST_ROOT/go" ]; do sleep 0.01; done',
  );
  await appears(host, "held");
  const { before: _before, membership: _membership, prove: _prove, ...changing } = needed;
  for (const [subcommand, options] of Object.entries({ ...changing, discard: [] })) {
    const args = [subcommand, ...options.map((option) => `--${option}=1`)];
    const { code, stderr } = await host.run(args, { env: { LOCK_SECONDS: "0.01" } });
    assert.equal(code, 4, subcommand);
    assert.match(stderr, /another run of etcd-host still holds .*\/run\/etcd-host\/lock; see 'ps /);
  }
  host.write("go", "");
  assert.equal((await holder).code, 0);
});

/** Until a file that another process writes is there (and holds the text). */
async function appears(host: Host, file: string, content = /^/): Promise<void> {
  const watcher = fs.watch(host.root);
  try {
    while (!host.exists(file) || !content.test(host.read(file))) await once(watcher, "change");
  } finally {
    watcher.close();
  }
}
