import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "./host.ts";
import { VERSION } from "./mirror.ts";

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

test("etcdctl is the linked one, that of what runs, else the declared version's", async (t) => {
  const host = Host.create(t);
  const ask = async () => (await host.shell("ctl member list", [`--version=${VERSION}`])).stdout;
  host.write(`opt/etcd/${VERSION}/etcdctl`, "#!/bin/sh\necho declared\n", 0o755);
  assert.equal(await ask(), "declared\n");
  host.write("usr/local/bin/etcdctl", "#!/bin/sh\necho linked\n", 0o755);
  assert.equal(await ask(), "linked\n");
});

test("an answer is waited for through three elections, and at least 3 s", async (t) => {
  const host = Host.create(t);
  const seconds = async (...options: string[]) => (await host.shell("ask_seconds", options)).stdout;
  assert.equal(await seconds(), "3\n");
  assert.equal(await seconds("--election-timeout=500"), "3\n");
  assert.equal(await seconds("--election-timeout=5000"), "15\n");
});
