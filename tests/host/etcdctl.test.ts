import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { Host } from "./host.ts";
import { VERSION } from "./mirror.ts";
import { sha256 } from "./verifying.ts";

/** As etcdctl 3.6.14 printed it: a member with two peer URLs, and a learner that has never started. */
const memberList = `"ClusterID" : 6993045362061121093
"MemberID" : 592133103447902698
"RaftTerm" : 2
"ID" : 592133103447902698
"Name" : "node1"
"PeerURL" : "http://127.0.0.1:42380"
"PeerURL" : "http://127.0.0.2:42380"
"ClientURL" : "http://127.0.0.1:42379"
"IsLearner" : false

"ID" : 18446744073709551615
"Name" : ""
"PeerURL" : "http://127.0.0.1:42384"
"IsLearner" : true

`;
const endpointStatus = `"ClusterID" : 6993045362061121093
"MemberID" : 592133103447902698
"Revision" : 1
"RaftTerm" : 2
"Version" : "3.6.14"
"StorageVersion" : "3.6.0"
"DBSize" : 20480
"DBSizeInUse" : 16384
"DBSizeQuota" : 2147483648
"Leader" : 18446744073709551615
"IsLearner" : false
"RaftIndex" : 5
"RaftTerm" : 2
"RaftAppliedIndex" : 4
"Errors" : []
"Endpoint" : "http://127.0.0.1:42379"
"DowngradeTargetVersion" : ""
"DowngradeEnabled" : false

`;

for (const shell of ["dash", "bash"] as const) {
  test(`the member list becomes rows; an ID stays exact beyond 63 bits (${shell})`, async (t) => {
    const host = Host.create(t);
    const { stdout } = await host.shell("member_rows", [], { stdin: memberList, shell });
    assert.equal(
      stdout,
      "592133103447902698|node1|http://127.0.0.1:42380,http://127.0.0.2:42380|http://127.0.0.1:42379|false\n" +
        "18446744073709551615||http://127.0.0.1:42384||true\n",
    );
    assert.equal((await host.shell("member_rows", [], { stdin: "", shell })).stdout, "");
  });

  test(`the status becomes a row a member (${shell})`, async (t) => {
    const host = Host.create(t);
    const second = endpointStatus
      .replace("127.0.0.1:42379", "127.0.0.2:42379")
      .replace("592133103447902698", "7");
    const { stdout } = await host.shell("status_rows", [], { stdin: endpointStatus + second, shell });
    assert.equal(
      stdout,
      "http://127.0.0.1:42379|592133103447902698|3.6.14|18446744073709551615|5|4|20480|6993045362061121093\n" +
        "http://127.0.0.2:42379|7|3.6.14|18446744073709551615|5|4|20480|6993045362061121093\n",
    );
  });

  test(`IDs are shown as etcdctl shows them (${shell})`, async (t) => {
    const host = Host.create(t);
    const ids =
      "hex_id 14841639068965178418; echo; hex_id 592133103447902698; echo; hex_id 18446744073709551615";
    const { stdout } = await host.shell(ids, [], { shell });
    assert.equal(stdout, "cdf818194e3a8c32\n837adeb9ac309ea\nffffffffffffffff");
  });

  test(`the declared members are read up to the record that follows them (${shell})`, async (t) => {
    const host = Host.create(t);
    const stdin =
      "digest 0a1b\nmember node1 https://192.0.2.11:2380 https://192.0.2.11:2379 1\n" +
      'member node2 https://[2001:db8::12]:2380 https://[2001:db8::12]:2379 2\ndeployed\n{"member": "x y z"}\n';
    const snippet =
      'read_members; declared_names; declared_endpoints; declared_rows; echo "$members"; echo "rest: $(cat)"';
    const { stdout } = await host.shell(snippet, [], { stdin, shell });
    assert.equal(
      stdout,
      "node1\nnode2\nhttps://192.0.2.11:2379,https://[2001:db8::12]:2379\n" +
        "node1|https://192.0.2.11:2380|https://192.0.2.11:2379\n" +
        "node2|https://[2001:db8::12]:2380|https://[2001:db8::12]:2379\n" +
        "node1=https://192.0.2.11:2380=https://192.0.2.11:2379=1 node2=https://[2001:db8::12]:2380=https://[2001:db8::12]:2379=2\n" +
        'rest: {"member": "x y z"}\n',
    );
  });
}

test("etcdctl is the linked one, that of what runs, else the declared version's, else the last that was installed", async (t) => {
  const host = Host.create(t);
  const ask = async (version = VERSION) =>
    (await host.shell("ctl member list", [`--version=${version}`])).stdout;
  host.binary("etcd", "");
  host.binary("etcdctl", "#!/bin/sh\necho declared\n");
  assert.equal(await ask(), "declared\n");
  host.binary("etcdctl", "#!/bin/sh\necho linked\n", "3.6.13");
  host.link("3.6.13");
  assert.equal(await ask(), "linked\n");
  fs.rmSync(host.file("usr/local/bin/etcdctl"));
  await host.shell(`declare_files install "$OPT_DIR/${VERSION}/etcd"`);
  assert.equal(await ask("3.6.15"), "declared\n");
});

const EVIL = '#!/bin/sh\n: >"$HOST_ROOT/ran"\n';
const root = (host: Host, file: string, uid: number, mode: number) => {
  fs.chownSync(host.file(file), uid, 0);
  fs.chmodSync(host.file(file), mode);
};

/** How an etcdctl that no declared archive had comes to lie where one is looked for. */
const planted: Readonly<Record<string, (host: Host) => void>> = {
  "a command of its name": (host) => host.write("usr/local/bin/etcdctl", EVIL, 0o755),
  "a link to somewhere else": (host) => {
    host.write("srv/etcdctl", EVIL, 0o755);
    fs.symlinkSync(host.file("srv/etcdctl"), host.file("usr/local/bin/etcdctl"));
  },
  "a link out of the releases' folder": (host) => {
    host.write("srv/etcdctl", EVIL, 0o755);
    fs.symlinkSync(`${host.paths.OPT_DIR}/../../srv/etcdctl`, host.file("usr/local/bin/etcdctl"));
  },
  "one without a version's folder": (host) => host.write("opt/etcd/etcdctl", EVIL, 0o755),
  "a folder of the version, with a record of its own": (host) => {
    const file = `opt/etcd/${VERSION}/etcdctl`;
    host.write(file, EVIL, 0o755);
    host.write(`opt/etcd/${VERSION}/.sha256`, "0123\n");
    host.write(`opt/etcd/${VERSION}/.digests`, `${sha256(EVIL)}  ${host.file(file)}\n`);
    host.link();
  },
  "another in place of what was installed": (host) => {
    host.binary("etcdctl", "#!/bin/sh\n");
    host.write(`opt/etcd/${VERSION}/etcdctl`, EVIL, 0o755);
    host.link();
  },
  "the right one, in a folder that is somebody else's": (host) => {
    host.binary("etcdctl", EVIL);
    root(host, `opt/etcd/${VERSION}`, 1000, 0o755);
  },
  "the right one, below a folder that others may write": (host) => {
    host.binary("etcdctl", EVIL);
    root(host, "opt/etcd", 0, 0o775);
  },
  "the right one, that others may write": (host) => {
    host.binary("etcdctl", EVIL);
    root(host, `opt/etcd/${VERSION}/etcdctl`, 0, 0o757);
  },
};
for (const [what, plant] of Object.entries(planted))
  test(`root does not run ${what}`, async (t) => {
    const host = Host.create(t);
    plant(host);
    const asked = await host.shell("ctl member list", [`--version=${VERSION}`]);
    assert.notEqual(asked.code, 0);
    const sentence =
      /no etcdctl on this host is what was installed from an archive with a declared sha256; run/;
    assert.match(asked.stderr, sentence);
    const typed = await host.run(["ctl", "member", "list"]);
    assert.equal(typed.code, 3, typed.stderr);
    assert.match(typed.stderr, sentence);
    for (const command of ["health", "facts", "status"]) await host.run([command]);
    assert.equal(host.exists("ran"), false);
  });

test("an answer is waited for through three elections, and at least 3 s", async (t) => {
  const host = Host.create(t);
  const seconds = async (...options: string[]) => (await host.shell("ask_seconds", options)).stdout;
  assert.equal(await seconds(), "3\n");
  assert.equal(await seconds("--election-timeout=500"), "3\n");
  assert.equal(await seconds("--election-timeout=5000"), "15\n");
});
