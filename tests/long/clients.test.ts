// The list of revoked certificates with the other minors of etcd, on the way back too, and through a roll that fails.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { prepareEtcd } from "../../lab/prepare.ts";
import { whileShakingHands } from "../e2e/handshakes.ts";
import { bareHosts, labDown, must, onHost } from "../e2e/lab.ts";
import { cli, planOf, upAsPlanned } from "../e2e/planned.ts";
import { Project } from "../e2e/project.ts";
import { answering } from "../e2e/revoking.ts";
import { whileWriting } from "../e2e/writing.ts";

const NODES = [1, 2, 3];
const VERSIONS = ["3.5.35", "3.7.3"];
const endpoints = NODES.map((n) => `https://192.168.1.10${n}:2379`);
const restarts = { node1: "restart", node2: "restart", node3: "restart" } as const;
const [app1, app2] = [{ name: "app1" }, { name: "app2" }];
let project: Project;

before(async () => {
  for (const version of VERSIONS) await prepareEtcd(version, () => {});
});
afterEach(() => project.dispose());
after(labDown);

const bundle = (client: string) => join(project.dir, client);

/** What app2 sees of a change, while others write. */
async function unseen(change: () => Promise<unknown>): Promise<string> {
  let written: Awaited<ReturnType<typeof whileWriting>> | undefined;
  const seen = await whileShakingHands(bundle("app2"), endpoints, async () => {
    written = await whileWriting(project, change);
  });
  assert.deepEqual(seen.failed, []);
  assert.ok(seen.done > 100);
  assert.equal(written?.missing, 0);
  return JSON.stringify({ written, done: seen.done });
}

for (const version of VERSIONS)
  test(`etcd ${version} refuses what is on the list, and nobody else, until it is taken back`, async (context) => {
    await bareHosts(3);
    project = await Project.create("clients", { version, clients: [app1, app2], revocation: true });
    await must(project.up());
    for (const { name } of [app1, app2])
      await must(cli(project, "client", "--client", name, "--write-bundle", name));
    assert.deepEqual(await answering(bundle("app1"), endpoints), endpoints);

    await project.configure({ clients: [app2] });
    const revoked = await unseen(() => upAsPlanned(project, restarts));
    assert.deepEqual(await answering(bundle("app1"), endpoints), []);
    context.diagnostic(`revoked: ${revoked}`);
    await must(project.up("--expect-no-changes"));

    // a flag that etcd does not start with: the first member goes back to the unit with the list
    await project.configure({ revocation: undefined, extraFlags: { "auth-token": "jwt,sign-method=none" } });
    const failed = await unseen(async () => assert.notEqual((await project.up()).code, 0));
    context.diagnostic(`failed: ${failed}`);
    assert.deepEqual(await answering(bundle("app1"), endpoints), []);

    await project.configure({ extraFlags: undefined, checkId: 1 });
    const last = (await planOf(project)).hosts.at(-1);
    assert.ok(last?.why.includes("no longer refuses app1"), last?.why.join());
    const back = await unseen(() => upAsPlanned(project, restarts));
    context.diagnostic(`back: ${back}`);
    assert.deepEqual(await answering(bundle("app1"), endpoints), endpoints);
    for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
    await must(project.up("--expect-no-changes"));
  });
