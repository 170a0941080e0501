// All steps of a host in their order, from nothing to a serving member and back, by either sh.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host, type Result } from "./host.ts";
import { bundlesDigest, COMES_UP, memberOptions, setState, UNIT } from "./member.ts";
import { ARCHIVE, serveArchive, sha256, VERSION } from "./mirror.ts";
import { ADDRESS, makePki, pkiStream } from "./pki.ts";
import { inSeconds, prepareOptions } from "./preflight.ts";

const pki = makePki();

for (const shell of ["dash", "bash"] as const)
  test(`a host is prepared, serves, is as declared, and is left with nothing but its data (${shell} as sh)`, async (t) => {
    const host = Host.create(t);
    host.fake("uname", "echo x86_64");
    host.write("systemd/start", COMES_UP);
    const mirror = await serveArchive(t, ARCHIVE);
    const before = host.snapshot();
    const step = async (subcommand: string, args: readonly string[] = [], stdin = ""): Promise<Result> => {
      const result = await host.run([subcommand, ...args], { stdin, shell });
      assert.equal(result.code, 0, `${subcommand}: ${result.stderr}`);
      return result;
    };
    const identity = (owner: string) => [
      "--name=node1",
      "--incarnation=0",
      `--owner=urn:${owner}`,
      "--check-id=0",
    ];

    const release = [`--version=${VERSION}`, `--sha256-amd64=${sha256(ARCHIVE)}`, `--mirror=${mirror.url}`];
    const member = memberOptions(host, { bundles: bundlesDigest(pki) });
    for (let run = 1; run <= 2; run++) {
      await step("prepare", prepareOptions(host, { "not-before": inSeconds(-60) }));
      await step("install", [...identity("install"), ...release]);
      await step("certificates", [...identity("certificates"), `--address=${ADDRESS}`], pkiStream(pki));
      const { stdout } = await step("start", member, UNIT);
      assert.equal(stdout, run === 1 ? "started node1\n" : "node1 runs as declared\n");
      await step("started");
      await step("served");
      setState(host, "active", "running", 4711);
      assert.equal((await step("verify")).stdout, "node1 is as declared\n");
    }

    host.write("proc/net/tcp", ""); // nothing listens any more
    await step("stop", identity("member"));
    await step("remove-certificates", identity("certificates"));
    await step("remove-binaries", identity("install"));
    await step("remove-host", identity("host"));
    setState(host, "inactive", "dead", 0);
    const after = Object.keys(host.snapshot()).filter((file) => !(file in before));
    assert.deepEqual(
      after.map((file) => file.replace(/aside-\d{8}T\d{6}Z/, "aside")),
      [
        "var/lib/etcd.aside",
        "var/lib/etcd.aside/member",
        "var/lib/etcd.aside/member/wal",
        "var/lib/etcd.aside/member/wal/0.wal",
      ],
    );
    for (const file of Object.keys(before)) assert.ok(host.exists(file), file);
  });
