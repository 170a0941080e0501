// npm run client: whom it asks, and what it makes of a snapshot.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { healthyEndpoint, isWhole } from "../../cli/client/snapshot.ts";
import { endpointsIn, etcdctlWords, snapshotFileIn } from "../../cli/client/words.ts";
import { ANSWER_MARK } from "../../host/commands.ts";
import { Host } from "../host/host.ts";
import { sent } from "../host/sent.ts";
import { endpoints, StandIns } from "./stand-ins.ts";

const calls = [
  "get defrag",
  "defrag --cluster",
  "--command-timeout 60s defrag",
  "--command-timeout=60s --debug defrag",
  "-w json snapshot --user me save FILE",
  "put -- --endpoints=x y",
  "--endpoints x put a b",
  "--endpoints=x --endpoints=y get a",
  "get a --endpoints x",
  "--user",
].map((call) => call.split(" "));

test("the words of a call are read as the hosts read them", async (t) => {
  const host = Host.create(t);
  for (const args of calls) {
    const call = `etcdctl_words ${args.join(" ")}; if has_endpoints ${args.join(" ")}; then echo own; fi`;
    const own = endpointsIn(args) === undefined ? "" : "own\n";
    assert.equal((await host.shell(call)).stdout, `${etcdctlWords(args).join(" ")}\n${own}`, args.join(" "));
  }
});

test("the last endpoints count; only snapshot save has a file", () => {
  assert.deepEqual(
    calls.map((args) => endpointsIn(args)),
    [undefined, undefined, undefined, undefined, undefined, undefined, "x", "y", "x", undefined],
  );
  assert.deepEqual(
    calls.flatMap((args) => snapshotFileIn(args) ?? []),
    ["FILE"],
  );
});

test("a healthy member answers writes; an alarm does not matter to a reader", () => {
  const row = (endpoint: string, health: boolean, error?: string) => ({
    endpoint,
    health,
    took: "1ms",
    error,
  });
  const down = row("a", false, "context deadline exceeded");
  const full = row("b", false, "failed to commit proposal: Active Alarm(s): NOSPACE");
  assert.equal(healthyEndpoint(JSON.stringify([down, full, row("c", true)])), "b");
  assert.equal(healthyEndpoint(JSON.stringify([down, row("c", true)])), "c");
  assert.equal(healthyEndpoint(JSON.stringify([down])), undefined);
  assert.equal(healthyEndpoint(""), undefined);
});

test("a file is whole only with every byte that was sent", async (t) => {
  const { dir } = new StandIns(t);
  const file = join(dir, "snapshot.db");
  const whole = sent(256 * 1024);
  const flipped = Buffer.from(whole);
  flipped[12_345] = (flipped[12_345] ?? 0) ^ 1;
  for (const [content, expected] of [
    [whole, true],
    [flipped, false],
    [whole.subarray(0, whole.length - 8192), false],
    [whole.subarray(0, whole.length - 32), false],
    [Buffer.alloc(0), false],
    [Buffer.alloc(32), false],
  ] as const) {
    fs.writeFileSync(file, content);
    assert.equal(await isWhole(file), expected);
  }
});

/** An etcdctl that tells its words; where it saves a snapshot, it is `sent`. */
function installEtcdctl(standIns: StandIns, snapshot: Buffer, health = `[{"endpoint":"x","health":true}]`) {
  standIns.write("sent", snapshot);
  standIns.command(
    "etcdctl",
    `case $* in
      version) exit ;;
      *'endpoint health -w json') echo '${health}'; exit ;;
    esac
    echo "$*" | sed 's,/[^ ]*/,,g' >>"$DIR/asked"
    for last; do :; done
    case $* in *'snapshot save'*) cat "$DIR/sent" >"$last"; echo "Snapshot saved at $last" ;; esac`,
  );
}
const LOGIN = "--cacert ca.crt --cert client.crt --key client.key";

test("all members are asked, unless the user says whom", async (t) => {
  const standIns = new StandIns(t);
  installEtcdctl(standIns, sent(1024));
  assert.equal((await standIns.run("client", "member", "list")).code, 0);
  assert.equal((await standIns.run("client", "--endpoints=x", "endpoint", "hashkv")).code, 0);
  assert.equal((await standIns.run("client", "--endpoints", "x", "endpoint", "hashkv")).code, 0);
  const all = endpoints.join().replaceAll(/\/[^ ]*\//g, "");
  assert.deepEqual(standIns.read("asked").trim().split("\n"), [
    `${LOGIN} --endpoints ${all} member list`,
    `${LOGIN} --endpoints=x endpoint hashkv`,
    `${LOGIN} --endpoints x endpoint hashkv`,
  ]);
});

test("a snapshot is of one healthy member, and has its name once it is verified; it is for this user alone", async (t) => {
  const standIns = new StandIns(t);
  const before = standIns.list();
  installEtcdctl(standIns, sent(2 * 1024 ** 2));
  const { code, stdout } = await standIns.run("client", "snapshot", "save", "backup.db");
  assert.deepEqual([code, stdout], [0, `saved and verified ${join(standIns.dir, "backup.db")}: 2.0 MiB\n`]);
  assert.equal(standIns.read("asked"), `${LOGIN} --endpoints x snapshot save backup.db.part\n`);
  assert.equal(fs.statSync(join(standIns.dir, "backup.db")).mode & 0o777, 0o600);
  assert.deepEqual(
    standIns.list().filter((name) => !before.includes(name)),
    ["asked", "backup.db", "sent"],
  );
});

test("a snapshot that is damaged leaves the older one of its name as it was", async (t) => {
  const standIns = new StandIns(t);
  standIns.write("backup.db", "older");
  const whole = sent(32 * 1024);
  installEtcdctl(standIns, whole.subarray(0, whole.length - 8192));
  const { code, stderr } = await standIns.run("client", "snapshot", "save", "backup.db");
  assert.equal(code, 1);
  assert.match(stderr, /^the snapshot is not what the member sent: its sha256 differs; nothing was saved\n$/);
  assert.equal(standIns.read("backup.db"), "older");
});

test("without a healthy member no snapshot is taken, unless the user says of which", async (t) => {
  const standIns = new StandIns(t);
  installEtcdctl(standIns, sent(1024), '[{"endpoint":"x","health":false,"error":"timeout"}]');
  const { code, stderr } = await standIns.run("client", "snapshot", "save", "backup.db");
  assert.equal(code, 1);
  assert.match(stderr, /^no member is healthy, .*; add --endpoints=URL to take it of one that still runs\n$/);
  const own = await standIns.run("client", "--endpoints=y", "snapshot", "save", "backup.db");
  assert.equal(own.code, 0, own.stderr);
  assert.equal(standIns.read("asked"), `${LOGIN} --endpoints=y snapshot save backup.db.part\n`);
});

test("without an etcdctl here the first host that can be reached sends it", async (t) => {
  const standIns = new StandIns(t);
  standIns.write("sent", sent(32 * 1024));
  standIns.command(
    "ssh",
    `cat >"$DIR/program"
    echo "$3 $4" >>"$DIR/asked"
    case $3 in node-node1) echo half; echo 'ssh: connect to host 10.0.0.1 port 22: timed out' >&2; exit 255 ;; esac
    echo 'Welcome to this host'
    echo; echo '${ANSWER_MARK}'
    cat "$DIR/sent"`,
  );
  const { code, stdout, stderr } = await standIns.run("client", "--endpoints=y", "snapshot", "save", "b.db");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^saved and verified \/.*\/b\.db: 0\.0 MiB\n$/);
  assert.match(standIns.read("asked"), /^node-node1 .*\nnode-node2 .* send-snapshot --endpoints=y\n$/);
  assert.match(standIns.read("program"), /^#!\/bin\/sh\n# etcd-host: /);
});

test("a named client's bundle has the files of the administrator's, for this user alone", async (t) => {
  const standIns = new StandIns(t);
  const { code, stdout } = await standIns.run("client", "--client", "app1", "--write-bundle", "bundle");
  assert.deepEqual([code, stdout], [0, "wrote ca.crt, client.crt and client.key to bundle\n"]);
  assert.deepEqual(
    ["ca.crt", "client.crt", "client.key"].map((file) => standIns.read(`bundle/${file}`)),
    ["ca", "app1's", "app1's key"],
  );
  assert.equal(fs.statSync(join(standIns.dir, "bundle/client.key")).mode & 0o777, 0o600);
  assert.equal((await standIns.run("client", "--write-bundle", "bundle")).code, 0);
  assert.equal(standIns.read("bundle/client.key"), "key");
});

test("a client that the stack does not have is named, and nothing is written", async (t) => {
  const standIns = new StandIns(t);
  for (const [name, help] of [
    ["ap1", "; did you mean app1"],
    ["prometheus", "; it has app1"],
  ] as const) {
    const { code, stderr } = await standIns.run("client", "--client", name, "--write-bundle", "bundle");
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `the stack has no client ${name} yet${help}: declare it in etcd:clients, then run pulumi up\n`,
    );
  }
  assert.ok(!standIns.list().includes("bundle"));
});
