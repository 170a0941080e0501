/** Steps that Pulumi replaces, forgets or deletes beside an `up`: no member is restarted or taken away, and no write is lost. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { labDown, must, onHost, type Result } from "./lab.ts";
import { listedMembers, startsOf } from "./members.ts";
import { counts, type Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

const ALL = [1, 2, 3];
const PARTS = ["host", "binaries", "certificates", "member"] as const;

let project: Project;
/** Of four hosts; three of them are members. */
let nodes: readonly unknown[];
let urns: ReadonlyMap<string, string>;
let starts: readonly number[];
let members: string;

before(async () => {
  project = await savedCluster(3, {}, 4);
  nodes = Object(await project.configured("nodes"));
  await project.configure({ nodes: nodes.slice(0, 3) });
  urns = await urnsOf(project);
  starts = await startsOf(ALL);
  members = await onHost(1, "etcd-host ctl member list");
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("each kind of step is replaced, alone and all at once: as declared, without a restart", async (context) => {
  await writing(context, async () => {
    for (const part of PARTS) await replaced(`node2-${part}`);
    await replaced(...PARTS.map((part) => `node2-${part}`));
    await replaced(...ALL.map((n) => `node${n}-member`));
    await replaced("before", "membership", "health");
  });
  await must(project.up("--expect-no-changes"));
});

test("a step that is tainted, taken out of the state, or destroyed alone is done again", async (context) => {
  const member = urnOf("node2-member");
  await writing(context, async () => {
    await must(project.pulumi("state", "taint", member, "--yes"));
    await asBefore(await must(project.up()), { replaced: 1 });
    await must(project.pulumi("state", "delete", member, "--yes", "--force", "--target-dependents"));
    await asBefore(await must(project.up()));
    const destroyed = await must(project.destroy("--target", member, "--target-dependents"));
    assert.ok(Number(counts(destroyed).deleted) > 0);
    await asBefore(await must(project.up()));
  });
  await must(project.up("--expect-no-changes"));
});

test("a replacement that was killed, and its host's old step deleted alone, leave the member where it is", async (context) => {
  const all = PARTS.map((part) => `node2-${part}`);
  await writing(context, async () => {
    await project.interrupt(
      "SIGKILL",
      / node2-binaries deleting|node2-binaries deleted/,
      0,
      ...replacing(all),
    );
    await must(project.pulumi("cancel", "--yes"));
    await project.up("--target", urnOf("node2-host")); // refused, or nothing to do: it depends on the moment
    await asBefore(await must(project.up()));
    await project.interrupt("SIGKILL", / node2-member delet/, 0, ...replacing(all));
    await must(project.pulumi("cancel", "--yes"));
    await asBefore(await must(project.up()));
  });
  await must(project.up("--expect-no-changes"));
});

test("another key of a leaf comes without a restart; one of a CA is refused by every host, and a backup leads back", async (context) => {
  await writing(context, async () => {
    await asBefore(await must(project.up(...replacing(["node2-server-key"]))));
    const backup = join(project.dir, "backup.json");
    await must(project.pulumi("stack", "export", "--file", backup));
    const { code, all } = await project.up(...replacing(["peer-ca-key"]));
    assert.notEqual(code, 0);
    assert.match(
      all,
      /refused: the peer certificate for node\d is signed by a CA that the running etcd has not loaded/,
    );
    assert.deepEqual(await startsOf(ALL), starts);
    await must(project.pulumi("stack", "import", "--file", backup));
    await project.configure({ checkId: 1 });
    await asBefore(await must(project.up()));
  });
  await must(project.up("--expect-no-changes"));
});

test("a node that is removed goes all the same, and destroy leaves nothing running", async (context) => {
  await project.configure({ nodes: [nodes[0], nodes[2], nodes[3]] });
  const written = await whileWriting(project, () => must(project.up()));
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.deepEqual(await listedMembers(1), ["node1", "node3", "node4"]);
  assert.match(await onHost(2, LEFT), /^inactive\n\/var\/lib\/etcd\.aside-\d{8}T\d{6}Z$/);
  await must(project.up("--expect-no-changes"));
  await must(project.destroy());
  for (const n of ALL)
    assert.match(await onHost(n, LEFT), /^inactive\n\/var\/lib\/etcd\.aside-\d{8}T\d{6}Z$/);
});

const LEFT =
  "systemctl is-active etcd; ls -d /etc/systemd/system/etcd.service /etc/etcd /opt/etcd /usr/local/sbin/etcd-host /var/lib/etcd* 2>/dev/null || true";

/** Writers beside it that lose nothing, and no election that was not planned. */
async function writing(
  context: { diagnostic(text: string): void },
  work: () => Promise<void>,
): Promise<void> {
  const written = await whileWriting(project, work);
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await assertNoOutage(written, ALL);
}

async function replaced(...names: readonly string[]): Promise<void> {
  await asBefore(await must(project.up(...replacing(names))), { replaced: names.length });
}
function replacing(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => ["--replace", urnOf(name)]);
}

/** The same members, whose processes are those of the beginning, and each of them as declared. */
async function asBefore(up: Result, expected: Readonly<Record<string, number>> = {}): Promise<void> {
  for (const [operation, count] of Object.entries(expected))
    assert.equal(counts(up)[operation], count, up.all);
  assert.deepEqual(await startsOf(ALL), starts, up.all);
  assert.equal(await onHost(1, "etcd-host ctl member list"), members);
  const verified = await Promise.all(ALL.map((n) => onHost(n, "etcd-host verify")));
  assert.deepEqual(
    verified,
    ALL.map((n) => `node${n} is as declared`),
  );
}

function urnOf(name: string): string {
  const urn = urns.get(name);
  if (urn === undefined) throw new Error(`the stack has no step ${name}`);
  return urn;
}

/** Of all that is no component, by their names. */
async function urnsOf(stack: Project): Promise<ReadonlyMap<string, string>> {
  const { checkpoint } = JSON.parse(await stack.stateText());
  const resources: readonly { urn: string; type: string }[] = checkpoint.latest.resources;
  const own = resources.filter(({ type }) => !type.startsWith("etcd:"));
  return new Map(own.map(({ urn }) => [urn.split("::").at(-1) ?? "", urn]));
}
