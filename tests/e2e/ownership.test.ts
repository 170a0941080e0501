import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lab, labDown, must, onHost } from "./lab.ts";
import { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";

const NODES = [1, 2, 3];
let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("renamed and reparented resources take the members over without stopping one", async () => {
  const processes = await Promise.all(NODES.map(processOf));
  const index = join(project.dir, "index.ts");
  const source = await readFile(index, "utf8");
  const renamed = source.replace("new EtcdCluster(CLUSTER", 'new EtcdCluster("renamed"');
  assert.notEqual(renamed, source);
  await rm(index);
  await writeFile(index, renamed);
  await useOwn("main.mjs"); // a link would lead to the repository's index.ts

  const result = await must(project.up());
  assert.match(result.stdout, /deleted/);
  assert.deepEqual(await Promise.all(NODES.map(processOf)), processes);
  await must(project.up("--expect-no-changes"));
});

test("swapped addresses are refused in preview", async () => {
  await project.configureNode("node2", { address: "192.168.1.103" });
  await project.configureNode("node3", { address: "192.168.1.102" });
  const { code, all } = await project.pulumi("preview");
  assert.notEqual(code, 0);
  assert.match(all, /node2 is declared at 192\.168\.1\.103, where node3 is a member/);
  await project.configureNode("node2", { address: "192.168.1.102" });
  await project.configureNode("node3", { address: "192.168.1.103" });
});

test("another stack on the same hosts is refused, and its destroy stops nobody", async () => {
  const other = await Project.create("stranger");
  const processes = await Promise.all(NODES.map(processOf));
  const { code, all } = await other.up();
  assert.notEqual(code, 0);
  for (const n of NODES)
    assert.match(all, new RegExp(`owner: node${n} of cluster etcd-cluster-1-[0-9a-f]{8}`));
  await must(other.destroy());
  assert.deepEqual(await Promise.all(NODES.map(processOf)), processes);
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  await other.dispose();
});

test("all hosts lose power and one its data: two serve, the third stays down and says why", async () => {
  await onHost(3, "systemctl stop etcd; mv /var/lib/etcd/member /root/lost-member; sync");
  for (const n of NODES) await must(lab("kill", String(n)));
  for (const n of NODES) await must(lab("start", String(n)));

  const health = await onHost(
    1,
    `for second in $(seq 30); do
       etcd-host health >/root/health 2>&1 || test $? = 5
       test "$(grep -c 'is healthy' /root/health)" = 2 && break || sleep 1
     done; cat /root/health`,
  );
  assert.match(health, /192\.168\.1\.103:2379 is unhealthy/);
  const status = await lab("enter", "3", "etcd-host", "status");
  assert.equal(status.code, 5);
  assert.match(status.stdout, /no WAL: etcd does not start without one/);
  assert.match(await onHost(3, "systemctl status etcd --no-pager || true"), /start assertion failed/);

  await project.configure({ checkId: 1 });
  const up = await project.up();
  assert.notEqual(up.code, 0);
  assert.match(up.all, /the data of node3 is gone.*raise the node's incarnation/);
  assert.equal(await onHost(3, "ls /var/lib/etcd; systemctl is-active etcd || true"), "inactive");

  await onHost(3, "mv /root/lost-member /var/lib/etcd/member");
  await project.configure({ checkId: 2 });
  await must(project.up());
  assert.equal(await onHost(3, "etcd-host verify"), "node3 is as declared");
});

function processOf(n: number): Promise<string> {
  return onHost(n, "systemctl show etcd -p MainPID -p ExecMainStartTimestampMonotonic");
}

/** A real file in place of a link. */
async function useOwn(file: string): Promise<void> {
  const path = join(project.dir, file);
  const text = await readFile(path);
  await rm(path);
  await writeFile(path, text);
}
