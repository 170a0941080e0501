// verify --declared: the stack sends what it declared, so that a host's own records are judged as well.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import type { FakeCluster } from "./cluster.ts";
import { Host } from "./host.ts";
import { setState } from "./member.ts";
import { VERSION } from "./mirror.ts";
import { declaration, declaredCluster, dropIn, sha256, verifyDeclared } from "./verifying.ts";

const RECORD = "var/lib/etcd-host/last-verify";

test("nothing differs, and nothing is changed but the record of the last verify", async (t) => {
  const cluster = await declaredCluster(t);
  const { host } = cluster;
  const before = host.snapshot();
  const { code, stdout, stderr } = await verifyDeclared(host, declaration(cluster));
  assert.deepEqual([code, stdout, stderr], [0, "node1 is as declared\n", ""]);
  assert.deepEqual(host.systemdCalls(), []);
  assert.match(host.read(RECORD), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ 0\n$/);
  fs.rmSync(host.file(RECORD));
  assert.deepEqual(host.snapshot(), before);
});

/** What somebody did, what the stack sends then, and all that verify prints. */
interface Drift {
  readonly drift?: (cluster: FakeCluster) => void;
  readonly lines?: (cluster: FakeCluster, lines: readonly string[]) => readonly string[];
  readonly incarnation?: string;
  readonly prints: RegExp;
}

const drifts: Readonly<Record<string, Drift>> = {
  "a file and the host's own record of it were changed": {
    drift: ({ host }) => {
      host.write(host.paths.PROGRAM, "another\n");
      host.write("var/lib/etcd-host/declared-prepare", `${sha256("another\n")}  ${host.paths.PROGRAM}\n`);
    },
    prints: /^differs: \S+sbin\/etcd-host is not what the stack declares\n$/,
  },
  "a file was changed, which the host's own record tells already": {
    drift: ({ host }) => host.write(host.paths.PROGRAM, "another\n"),
    prints: /^differs: \S+sbin\/etcd-host is not what was declared\n$/,
  },
  "a file is gone, and the record of it": {
    drift: ({ host }) => {
      fs.rmSync(host.file("etc/etcd/pki/server.crt"));
      fs.rmSync(host.file("var/lib/etcd-host/declared-certificates"));
    },
    prints:
      /^differs: \S+server\.crt is missing, declared 644 root:etcd\ndiffers: \S+server\.crt is not what the stack declares\n$/,
  },
  "the machine is of another incarnation": {
    incarnation: "2",
    prints: /^differs: this host has incarnation 0, declared is 2\n$/,
  },
  "the machine is another node's": {
    drift: ({ host }) =>
      host.write(
        "var/lib/etcd-host/mark",
        host.read("var/lib/etcd-host/mark").replace("name=node1", "name=node7"),
      ),
    prints: /^differs: this host is prepared for node7, declared is node1\n$/,
  },
  "etcd came from another archive": {
    lines: (_, lines) => lines.map((line) => line.replace(/^release .*/, `release ${VERSION} 4567 4567`)),
    prints: new RegExp(`^differs: etcd ${VERSION} is not installed from the declared archive\\n$`),
  },
  "another release is declared": {
    lines: (_, lines) => lines.map((line) => line.replace(/^release .*/, "release 3.7.1 0123 0123")),
    prints:
      /^differs: etcd 3\.7\.1 is not installed .*\n(differs: \S+bin\/etcd(ctl|utl)? is not a link to \S+\/3\.7\.1\/etcd(ctl|utl)?\n){3}$/,
  },
  "a link is a file now": {
    drift: ({ host }) => {
      fs.rmSync(host.file("usr/local/bin/etcdutl"));
      host.write("usr/local/bin/etcdutl", "#!/bin/sh\n", 0o755);
    },
    prints: /^differs: \S+bin\/etcdutl is not a link to \S+\/etcdutl\n$/,
  },
  "a link is gone": {
    drift: ({ host }) => fs.rmSync(host.file("usr/local/bin/etcd")),
    prints: /^differs: \S+bin\/etcd is not a link to \S+\/etcd\n$/,
  },
  "a member was added behind the back": {
    drift: (cluster) => {
      const added = {
        name: "node9",
        id: "99",
        peerUrls: ["https://10.0.0.9:2380"],
        clientUrl: "https://10.0.0.9:2379",
      };
      cluster.members.push({ ...cluster.member(2), ...added });
    },
    prints: /^differs: the member list has node9 at https:\/\/10\.0\.0\.9:2380, which is not declared\n$/,
  },
  "a member was added that never started": {
    drift: (cluster) => {
      const added = { name: "", id: "99", peerUrls: ["https://10.0.0.9:2380"], clientUrl: "", learner: true };
      cluster.members.push({ ...cluster.member(2), ...added });
    },
    prints:
      /^differs: the member list has a member that never started at https:\/\/10\.0\.0\.9:2380, which is not declared\n$/,
  },
  "a member was removed behind the back": {
    drift: (cluster) => cluster.members.splice(1, 1),
    prints: /^differs: the member list does not have node2 at https:\/\/127\.0\.0\.1:\d+\n$/,
  },
  "a member is reached elsewhere than declared": {
    drift: (cluster) => Object.assign(cluster.member(1), { peerUrls: ["https://10.0.0.9:2380"] }),
    prints:
      /^differs: the member list has node2 at https:\/\/10\.0\.0\.9:2380, which is not declared\ndiffers: the member list does not have node2 at https:\/\/127\.0\.0\.1:\d+\n$/,
  },
  "a member is still a learner": {
    drift: (cluster) => Object.assign(cluster.member(2), { learner: true }),
    prints: /^differs: node3 is still a learner\n$/,
  },
};

for (const [title, { drift, lines, incarnation = "0", prints }] of Object.entries(drifts))
  test(`verify --declared, exit 5: ${title}`, async (t) => {
    const cluster = await declaredCluster(t);
    const declared = declaration(cluster);
    drift?.(cluster);
    cluster.answer();
    const result = await verifyDeclared(cluster.host, lines?.(cluster, declared) ?? declared, incarnation);
    assert.equal(result.code, 5, result.stderr);
    assert.match(result.stdout, prints);
    const count = result.stdout.trim().split("\n").length;
    assert.match(cluster.host.read(RECORD), new RegExp(` ${count}\\n$`), "the record counts the differences");
  });

test("etcd that does not list its members differs", async (t) => {
  const cluster = await declaredCluster(t);
  cluster.host.write("answers/silent", "");
  const { code, stdout } = await verifyDeclared(cluster.host, declaration(cluster));
  assert.deepEqual([code, stdout], [5, "differs: etcd does not list its members\n"]);
});

test("a stopped etcd is not asked for its members", async (t) => {
  const cluster = await declaredCluster(t);
  setState(cluster.host, "failed", "failed", 0);
  const { stdout } = await verifyDeclared(cluster.host, declaration(cluster));
  assert.equal(stdout, "differs: etcd.service is failed\n");
  assert.equal(cluster.host.exists("asked"), false);
});

test("what the host itself finds is told with the rest", async (t) => {
  const cluster = await declaredCluster(t);
  dropIn(cluster.host, "etcd.service.d/10-nice.conf");
  const { stdout } = await verifyDeclared(cluster.host, declaration(cluster), "2");
  assert.match(
    stdout,
    /^differs: \S+ changes the unit\ndiffers: this host has incarnation 0, declared is 2\n$/,
  );
});

test("a machine that is prepared for nobody differs, and is left as it is", async (t) => {
  const host = Host.create(t);
  const before = host.snapshot();
  const { code, stdout } = await verifyDeclared(host, ["release 3.6.14 0123 0123"]);
  assert.deepEqual([code, stdout], [5, "differs: this host has not been prepared\n"]);
  assert.deepEqual(host.snapshot(), before);
});

test("without --declared nothing is read and nothing recorded", async (t) => {
  const { host } = await declaredCluster(t);
  assert.equal((await host.run(["verify"], { stdin: "file 00 /etc/passwd\n" })).code, 0);
  assert.equal(host.exists(RECORD), false);
});
