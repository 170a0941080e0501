/** A stack that an older version of the program made: taken over, it shows nothing but a new etcd-host; then its CAs are rotated. */

import assert from "node:assert/strict";
import { lstat, mkdtemp, readdir, rm, symlink, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bareHosts, labDown, must, onHost, run } from "../e2e/lab.ts";
import { planOf, upAsPlanned } from "../e2e/planned.ts";
import { Project } from "../e2e/project.ts";
import { whileWriting } from "../e2e/writing.ts";

/** Before there was any renewal of CAs. */
const OLDER = "e339aa3";
const NODES = [1, 2, 3];
const repository = fileURLToPath(new URL("../..", import.meta.url));
let older: string;
let project: Project;

before(async () => {
  older = await mkdtemp(join(tmpdir(), "etcd-older-"));
  await must(run("sh", ["-c", `git -C '${repository}' archive ${OLDER} | tar -x -C '${older}'`]));
  await symlink(join(repository, "node_modules"), join(older, "node_modules"));
  await bareHosts(3);
  project = await Project.create("older");
  await runs(older);
  await must(project.pulumi("config", "rm", "allow")); // the lab's own archive needed no word then
  await must(project.up());
  await runs(repository);
  await project.configure({ allow: [] });
});
after(async () => {
  await project.dispose();
  await rm(older, { recursive: true, force: true });
  await labDown();
});

/** Lets the project's folder have the program in that one. */
async function runs(program: string): Promise<void> {
  for (const entry of await readdir(project.dir)) {
    const link = join(project.dir, entry);
    if (!(await lstat(link)).isSymbolicLink()) continue;
    await unlink(link);
  }
  for (const entry of await readdir(program))
    if (!entry.startsWith(".") && !/^Pulumi\..+\.yaml$/.test(entry))
      await symlink(join(program, entry), join(project.dir, entry));
}

test("the new program shows no more than that it is one, and restarts, reissues and makes nothing", async () => {
  const { hosts, cluster, security, others } = await planOf(project);
  assert.deepEqual(
    hosts.map(({ action, why }) => [action, why]),
    NODES.map(() => ["prepare", ["a new etcd-host", "no restart"]]),
  );
  assert.deepEqual(
    cluster.map(({ step }) => step),
    ["health"],
  );
  assert.deepEqual(
    [security.map(({ kind, what }) => `${kind} ${what}`), others],
    [["allow foreign-archive"], []], // the lab's own archive needs the word now
  );
  await upAsPlanned(project, { node1: "prepare", node2: "prepare", node3: "prepare" });
  await must(project.up("--expect-no-changes"));
});

test("its CAs are rotated, with its certificates protected until then", async (context) => {
  const all = (action: "restart" | "reissue") => ({ node1: action, node2: action, node3: action });
  for (const [list, action] of [
    [[1, 2], "restart"],
    [[2, 1], "reissue"],
    [[2], "restart"],
  ] as const) {
    await project.configure({ clientCa: list, peerCa: list });
    const written = await whileWriting(project, () => upAsPlanned(project, all(action)));
    context.diagnostic(JSON.stringify({ list, ...written }));
    assert.equal(written.missing, 0);
  }
  await must(project.up("--expect-no-changes"));
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
});
