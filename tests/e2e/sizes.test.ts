import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { bareHosts, lab, labDown, must, onHost } from "./lab.ts";
import { leaderChanges, startsOf } from "./members.ts";
import { Project } from "./project.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

after(labDown);

// one node is where the tests of membership begin
for (const size of [5, 7]) {
  test(`${size} nodes: from bare hosts to a healthy cluster`, async (context) => {
    await bareHosts(size);
    const project = await Project.create(`of-${size}`);
    const started = performance.now();
    await must(project.up());
    context.diagnostic(`pulumi up of ${size} nodes: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const members = await project.output("members");
    assert.ok(Array.isArray(members));
    assert.equal(members.length, size);
    await must(project.up("--expect-no-changes"));
    if (size === 5) await changeFlag(context, project, size);
    await project.dispose();
  });
}

async function changeFlag(context: TestContext, project: Project, size: number): Promise<void> {
  const hosts = Array.from({ length: size }, (_, index) => index + 1);
  const [starts, leaders] = [await startsOf(hosts), await leaderChanges()];
  await project.configure({ snapshotCount: 20000 });
  const written = await whileWriting(project, () => must(project.up()));
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await assertNoOutage(written, hosts);
  const again = await startsOf(hosts);
  assert.deepEqual(
    [...again].sort((a, b) => a - b),
    again,
    "the members were not restarted in order",
  );
  for (const [index, start] of again.entries()) assert.ok(start > (starts[index] ?? 0), `node${index + 1}`);
  for (const n of hosts) assert.equal(await onHost(n, "systemctl show etcd -p NRestarts --value"), "0");
  assert.ok((await leaderChanges()) - leaders <= 2, "the leader changed more than twice");
}

test("hosts named by DNS, one of them reached at another address, form a cluster with RSA certificates", async () => {
  await bareHosts(3);
  const names = "printf '192.168.1.%s etcd-%s.example.com\\n' 101 1 102 2 103 3 >>/etc/hosts";
  for (const n of [1, 2, 3]) await onHost(n, names);
  const project = await Project.create("named", { keyAlgorithm: "RSA-2048", tlsMinVersion: "TLS1.3" });
  for (const n of [1, 2, 3]) {
    await project.configureNode(`node${n}`, {
      address: `etcd-${n}.example.com`,
      sshAddress: `192.168.1.10${n}`,
    });
  }
  await must(project.up());
  const health = await must(lab("enter", "2", "etcd-host", "health"));
  assert.match(health.stdout, /https:\/\/etcd-3\.example\.com:2379 is healthy/);
  await must(project.up("--expect-no-changes"));
  await project.dispose();
});
