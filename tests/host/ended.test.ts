// Certificates and CAs that have ended, by a host's clock: what is said of them, and a restart that nobody can prove.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { changesAsked, type FakeCluster, pki } from "./cluster.ts";
import type { Result } from "./host.ts";
import { bundlesDigest, setState, UNIT } from "./member.ts";
import { Authority, authorities } from "./pki.ts";
import { rollingCluster, rollOptions } from "./rolling.ts";
import { isDown, step, steppingCluster } from "./stepping.ts";
import { declaredCluster } from "./verifying.ts";

const DAY = 86_400;
const LEAFS_ENDED = { CLOCK_OFF: String(31 * DAY) };
const CAS_ENDED = { CLOCK_OFF: String(1900 * DAY) };
const ALLOWED = "expired-ca";
const renewed = authorities.peer.certificateFor(4000);
const bundles = bundlesDigest({ ...pki, "peer-ca.crt": renewed });

/** The host has the renewed CA, and its etcd the ended one; and nobody answers. */
async function deafCluster(...args: Parameters<typeof rollingCluster>): Promise<FakeCluster> {
  const cluster = await rollingCluster(...args);
  cluster.host.write("etc/etcd/pki-0123456789ab/peer-ca.crt", renewed);
  cluster.host.write("answers/silent", "");
  return cluster;
}

/** The step as Pulumi runs it, but for how long a proof is waited for. */
function roll(
  { host }: FakeCluster,
  options: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  return host.shell('PROOF_SECONDS=0; cmd_roll "$@"', rollOptions(host, { bundles, ...options }), {
    stdin: UNIT,
    env,
  });
}

const restart = [
  "stop etcd.service",
  "enable --quiet --no-reload etcd.service",
  "daemon-reload",
  "reset-failed etcd.service",
  "start --no-block etcd.service",
];

test("a member that has loaded an ended CA is restarted without a proof where that is allowed", async (t) => {
  const cluster = await deafCluster(t);
  const { host } = cluster;
  const ended = await roll(cluster, { allow: ALLOWED }, CAS_ENDED);
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(
    ended.stderr,
    /^etcd-host: the client CA that etcd on node1 has loaded ended on \d{4}-\S+Z: it restarts without a proof/,
  );
  assert.deepEqual(host.systemdCalls(), restart);
  assert.deepEqual(changesAsked(host), []);
  assert.match(host.read("var/lib/etcd-host/told"), /^node1 [0-9a-f]{16}\n$/, "told once it serves");
});

test("a stopped member whose CA had ended is started without waiting for the others", async (t) => {
  const cluster = await deafCluster(t);
  const { host } = cluster;
  setState(host, "inactive", "dead", 0);
  const { code, stderr } = await roll(cluster, { allow: ALLOWED }, CAS_ENDED);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /restarts without a proof/);
  assert.deepEqual(host.systemdCalls(), restart.slice(1));
});

test("without the word, by a clock that says no, and with a CA that is still valid, the proof stays", async (t) => {
  const cluster = await deafCluster(t);
  const { host } = cluster;
  const other = new Authority("another CA").certificateFor(4000);
  const cases = [
    [{}, CAS_ENDED, pki["peer-ca.crt"]],
    [{ allow: ALLOWED }, {}, pki["peer-ca.crt"]],
    [{ allow: ALLOWED }, LEAFS_ENDED, `${pki["peer-ca.crt"]}${other}`],
  ] as const;
  for (const [options, env, loaded] of cases) {
    host.write("run/etcd-host/started/peer-ca.crt", loaded);
    const { code, stderr } = await roll(cluster, options, env);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /refused: no member answers, so nothing can be proven/);
    assert.deepEqual(host.systemdCalls(), []);
  }
});

test("of a loaded bundle the CA that lasts longest counts", async (t) => {
  const cluster = await deafCluster(t);
  const { host } = cluster;
  const lasts = new Authority("another CA").certificateFor(4000);
  for (const ca of ["client", "peer"] as const)
    host.write(`run/etcd-host/started/${ca}-ca.crt`, `${pki[`${ca}-ca.crt`]}${lasts}`);
  const options = { allow: ALLOWED };
  assert.equal((await roll(cluster, options, CAS_ENDED)).code, 3);
  assert.deepEqual(host.systemdCalls(), []);
});

test("a member that has the renewed CA is left alone, although no quorum answers", async (t) => {
  const cluster = await deafCluster(t);
  const { host } = cluster;
  for (const ca of ["client", "peer"] as const)
    host.write(`run/etcd-host/started/${ca}-ca.crt`, host.read(`etc/etcd/pki-0123456789ab/${ca}-ca.crt`));
  const { code, stdout } = await roll(cluster, { allow: ALLOWED });
  assert.deepEqual([code, stdout], [0, "node1 runs as declared\n"]);
  assert.deepEqual(host.systemdCalls(), []);
});

const endedNode = { names: "IP:127.0.0.1", from: -2 * DAY, until: -DAY };
const ENDED_CLIENT = { listeners: { server: authorities.client.issue("node", endedNode) } } as const;
const ENDED_PEER = {
  listeners: { waiting: true, peer: authorities.peer.issue("node", endedNode) },
} as const;

for (const [title, unusual] of [
  ["at its client port", ENDED_CLIENT],
  ["at its peer port, as it waits for a quorum", ENDED_PEER],
] as const)
  test(`a member whose certificate has ended is neither off nor frozen: seen ${title}`, async (t) => {
    const cluster = await steppingCluster(t, unusual);
    isDown(cluster, "node2");
    const { code, stderr } = await step(cluster, "before");
    assert.equal(code, 3);
    assert.match(stderr, /refused: node2 \(\S+\) runs, and no new connection to it comes to be: /);
    assert.deepEqual(changesAsked(cluster.host), []);
    assert.equal((await step(cluster, "before", [`--allow=${ALLOWED}`])).code, 0);
  });

test("a member that has loaded an ended CA knows nobody, as etcd's own alert says", async (t) => {
  const cluster = await steppingCluster(t);
  const { certificate, key } = authorities.client.issue("node", { names: "IP:127.0.0.1" });
  const other = new Authority("another CA").certificate; // a CA that has ended is as unknown to etcd as this one
  const files = { "s.crt": certificate, "s.key": key, "s.ca": other };
  for (const [file, content] of Object.entries(files)) cluster.host.write(file, content);
  const paths = Object.keys(files).map((file) => cluster.host.file(file));
  const [cert = "", keyFile = "", ca = ""] = paths;
  const verify = ["-Verify", "1", "-verify_return_error", "-CAfile", ca];
  const server = spawn("openssl", [
    "s_server",
    "-accept",
    "127.0.0.1:0",
    "-cert",
    cert,
    "-key",
    keyFile,
    ...verify,
  ]);
  t.after(() => server.kill());
  let port: string | undefined;
  for await (const line of createInterface(server.stdout)) {
    port = /^ACCEPT .*:(\d+)$/.exec(line)?.[1];
    if (port !== undefined) break;
  }
  const url = `https://127.0.0.1:${port}`;
  cluster.declared[1] = cluster.declared[1]?.replace(cluster.member(1).clientUrl, url) ?? "";
  cluster.member(1).clientUrl = url;
  isDown(cluster, "node2");
  const { code, stderr } = await step(cluster, "before");
  assert.equal(code, 3);
  assert.match(stderr, /refused: node2 \(\S+\) runs, and no new connection to it comes to be: /);
  assert.equal((await step(cluster, "before", [`--allow=${ALLOWED}`])).code, 0);
});

test("where none answers as all have ended, what has ended is named; allowed, the run goes on", async (t) => {
  const cluster = await steppingCluster(t, { listeners: () => ENDED_CLIENT.listeners });
  isDown(cluster, "node1", "node2", "node3");
  cluster.host.write("answers/silent", "");
  const refused = await step(cluster, "before");
  assert.equal(refused.code, 3);
  assert.match(
    refused.stderr,
    /refused: no quorum answers \S+, and no new connection to node1 node2 node3 comes to be: .* etcd:allow: \[expired-ca\]\n$/,
  );
  const { code, stderr } = await step(cluster, "before", [`--allow=${ALLOWED}`]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /no new connection to node1 node2 node3 comes to be, so nothing can be asked there/);
});

test("after the members, elections are waited for as well", async (t) => {
  const cluster = await steppingCluster(t);
  cluster.host.write("answers/silent", "");
  cluster.host.fake("sleep", 'rm "$HOST_ROOT/answers/silent"');
  const { code, stderr } = await step(cluster, "membership", ["--election-timeout=60000"]);
  assert.equal(code, 0, stderr);
});

test("whoever gets no answer says what has ended on this host", async (t) => {
  const leafs =
    /leaf certificates of this host have ended, .* server \(\S+Z\) peer \(\S+Z\) operator \(\S+Z\)\. 'pulumi up' renews them/;
  const ca =
    /the peer CA of this host ended on \S+Z, .*'pulumi up' with etcd:allow: \[expired-ca\] renews it/;
  for (const [env, sentence] of [
    [LEAFS_ENDED, leafs],
    [CAS_ENDED, ca],
  ] as const) {
    const cluster = await declaredCluster(t);
    const { host } = cluster;
    const says = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await host.run(args, { env, stdin: cluster.declared.join("") });
      assert.match(stdout + stderr, sentence, args.join(" "));
      return code;
    };
    assert.equal(await says("status"), 0);
    assert.equal(await says("facts"), 0);
    assert.equal(await says("verify"), 5, "what nobody accepts is not as declared");
    host.write("answers/silent", "");
    assert.equal(await says("health"), 5);
    assert.equal(await says("ctl", "get", "x"), 1);
    const waits = (command: string) => `PROVE_SECONDS=0; MEMBERSHIP_SECONDS=0; PROOF_SECONDS=0; ${command}`;
    for (const [command, wanted] of [
      ["cmd_guard", 3],
      ["cmd_membership", 1],
      ["cmd_prove", 5],
    ] as const) {
      const options = ["--version=3.6.14", "--election-timeout=1", "--name=node2", "--made-from=0a"];
      const stdin = `${cluster.declared.join("")}deployed\n{}\n`;
      const { code, stderr } = await host.shell(waits(command), options, { env, stdin });
      assert.match(stderr, sentence, command);
      assert.equal(code, wanted, command);
    }
  }
});

test("where nothing has ended, nothing is said of it", async (t) => {
  const cluster = await declaredCluster(t);
  for (const command of ["status", "facts", "verify"])
    assert.doesNotMatch((await cluster.host.run([command])).stdout, /ended/, command);
});
