import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { prepareEtcd } from "../../lab/prepare.ts";
import { lab, labDown, must, onHost } from "./lab.ts";
import { leaderChanges, startedAt } from "./members.ts";
import { type Config, someKey } from "./mistakes.ts";
import { planned, upAsPlanned } from "./planned.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];
let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("a changed flag restarts each member once, in order, and loses no acknowledged write", async (context) => {
  const starts = await Promise.all(NODES.map(startedAt));
  const leaders = await leaderChanges();
  await project.configure({ snapshotCount: 20000 });
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.ok(written.acknowledged > 100, "the writer hardly wrote");
  assert.equal(written.missing, 0);
  await assertNoOutage(written, NODES);

  const again = await Promise.all(NODES.map(startedAt));
  for (const [index, start] of again.entries()) assert.ok(start > (starts[index] ?? 0), `node${index + 1}`);
  assert.deepEqual(
    [...again].sort((a, b) => a - b),
    again,
    "the members were not restarted in order",
  );
  for (const n of NODES) {
    assert.equal(await onHost(n, "systemctl show etcd -p NRestarts --value"), "0");
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
  assert.ok((await leaderChanges()) - leaders <= 2, "the leader changed more than twice");
  await must(project.up("--expect-no-changes"));
});

test("a setting that etcd rejects comes back on the first member, and touches no other", async () => {
  const [, second, third] = await Promise.all(NODES.map(startedAt));
  await project.configure({ extraFlags: { "auth-token": "jwt,sign-method=none" } });
  const { code, all } = await project.up();
  await project.configure({ extraFlags: undefined, checkId: 1 });
  assert.notEqual(code, 0, all);
  assert.match(all, /etcd does not start with the new settings on node1, which runs with the old ones again/);
  assert.deepEqual([await startedAt(2), await startedAt(3)], [second, third]);
  await must(lab("enter", "1", "etcd-host", "health"));
  await must(project.up());
  assert.equal(await onHost(1, "etcd-host verify"), "node1 is as declared");
});

test("with one member down no other is restarted, and the message says which", async () => {
  await onHost(3, "systemctl stop etcd");
  const [first, second] = await Promise.all([startedAt(1), startedAt(2)]);
  const proven = await project.output("deployed");
  await project.configure({ snapshotCount: 30000 });
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(all, /node1 may not restart: of the other 2 voters 1 healthy, 2 needed; not healthy: node3/);
  assert.deepEqual(await Promise.all([startedAt(1), startedAt(2)]), [first, second]);
  // a run that fails must not forget that the cluster was founded, whatever its output lists as gone
  assert.deepEqual(await project.output("deployed"), proven);

  await project.configure({ rolloutOrder: ["node3"] });
  await upAsPlanned(project, { node3: "restart", node1: "restart", node2: "restart" });
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  await project.configure({ rolloutOrder: undefined });
});

test("a new patch version is rolled through, the links follow, and no acknowledged write is lost", async (context) => {
  await prepareEtcd("3.6.16", () => {});
  await project.refresh();
  await project.configure({ version: "3.6.16" });
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.equal(await project.output("version"), "3.6.16");
  for (const n of NODES) {
    assert.equal(await onHost(n, "readlink /usr/local/bin/etcdctl"), "/opt/etcd/3.6.16/etcdctl");
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
});

const node = (n: number) => ({
  name: `node${n}`,
  address: `192.168.1.10${n}`,
  hostKey: `ssh-ed25519 ${someKey}`,
});
const three = [node(1), node(2), node(3)];

/** Changes of a running cluster that are refused before anything is touched: one preview names all that it is given. */
const refusals: Readonly<Record<string, { config: Config; sentences: readonly RegExp[] }>> = {
  "a majority removed, and a new name at an old address": {
    config: { nodes: [node(1), { ...node(3), name: "db3" }, node(4)] },
    sentences: [
      /node2, node3 are a majority of 3 members; remove or replace them in several ups/,
      /db3 is declared at 192\.168\.1\.103, where node3 is a member; keep the name node3 there/,
    ],
  },
  "a majority replaced, together with a minor step": {
    config: {
      version: "3.7.1",
      nodes: [node(1), { ...node(2), incarnation: 2 }, { ...node(3), incarnation: 2 }],
    },
    sentences: [
      /node2, node3 of 3 members would be without data at the same time, .* or recover from a snapshot/,
      /the step from 3\.6\.16 to 3\.7\.1 cannot go together with a change of members \(node2, node3\)/,
    ],
  },
  "a majority at other addresses": {
    config: { nodes: [node(1), { ...node(4), name: "node2" }, { ...node(5), name: "node3" }] },
    sentences: [
      /node2, node3 are a majority of 3 members, and would all change their address at the same time/,
    ],
  },
  "a minor step with other CAs, another cluster name and data directory, and a node lost before it was deployed":
    {
      config: {
        version: "3.7.1",
        clientCa: [2],
        clusterName: "other",
        dataDir: "/srv/etcd",
        nodes: [...three, { ...node(4), lost: true }],
      },
      sentences: [
        /clientCa: \[2\] follows \[1\] only in steps, .*: next is \[1, 2\], then \[2, 1\], then \[2\]\./,
        /clusterName: the cluster was bootstrapped as etcd-cluster-1 .* bootstrap a new cluster with destroy and up/,
        /dataDir: the members' data is in \/var\/lib\/etcd; change it back/,
        /nodes\[3\]\.lost: node4 was never proven to be a member, so it has nothing to lose; leave it out/,
      ],
    },
};

for (const [what, { config, sentences }] of Object.entries(refusals)) {
  test(`${what}: refused in preview`, async (t) => {
    const before = Object.fromEntries(
      await Promise.all(
        Object.keys(config).map(async (key) => [key, await project.configured(key)] as const),
      ),
    );
    t.after(() => project.configure(before));
    await project.configure(config);
    const { code, all } = await project.pulumi("preview");
    assert.notEqual(code, 0);
    for (const sentence of sentences) assert.match(all, sentence);
    assert.doesNotMatch(all, /remote:Command/, "something is planned beside the refusal");
  });
}
