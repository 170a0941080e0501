import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Action } from "../../cli/plan/model.ts";
import { bareHosts, lab, labDown, must, onHost } from "./lab.ts";
import { listedMembers, startsOf } from "./members.ts";
import { planned } from "./planned.ts";
import { Project } from "./project.ts";
import { whileWriting } from "./writing.ts";

let project: Project;
let nodes: readonly unknown[];

before(async () => {
  await bareHosts(5);
  project = await Project.create("membership");
  nodes = Object(await project.configured("nodes"));
  await project.configure({ nodes: nodes.slice(0, 1) });
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("1 node: from a bare host to a healthy cluster", async () => {
  await must(project.up());
  const members = await project.output("members");
  assert.ok(Array.isArray(members));
  assert.equal(members.length, 1);
  await must(project.up("--expect-no-changes"));
});

/** Members stay, join, or are removed: by name, in the plan's order. */
function actions(from: number, to: number): Record<string, Action> {
  const numbers = [1, 2, 3, 4, 5].slice(0, Math.max(from, to));
  return Object.fromEntries(
    numbers.map((n) => [`node${n}`, n > to ? "remove" : n > from ? "join" : "nothing"]),
  );
}

for (const [from, to] of [
  [1, 3],
  [3, 5],
  [5, 3],
] as const) {
  test(`${from} → ${to} nodes: nobody else is restarted, and no acknowledged write is lost`, async (context) => {
    const stay = [1, 2, 3, 4, 5].slice(0, Math.min(from, to));
    const starts = await startsOf(stay);
    await project.configure({ nodes: nodes.slice(0, to) });
    const touched = (await project.preview()).filter(({ type }) => type === "command:remote:Command");
    const up = await planned(project, actions(from, to));
    const written = await whileWriting(project, () => up());
    context.diagnostic(JSON.stringify(written));
    assert.equal(written.missing, 0);
    assert.deepEqual(await startsOf(stay), starts);

    const others = [1, 2, 3, 4, 5].slice(stay.length, Math.max(from, to)).map((n) => `node${n}`);
    const steps = others.flatMap((node) => [
      `${node}-binaries`,
      `${node}-certificates`,
      `${node}-host`,
      `${node}-member`,
    ]);
    assert.deepEqual(
      touched.map(({ name }) => name).sort(),
      [...steps, "before", "health", "membership"].sort(),
    );
    const names = nodes.slice(0, to).map((_, index) => `node${index + 1}`);
    assert.deepEqual(await listedMembers(1), names);
    await must(project.up("--expect-no-changes"));
  });
}

test("a removed host is stopped and disabled, and its data is kept aside", async () => {
  for (const n of [4, 5]) {
    const left =
      "systemctl is-active etcd; ls /etc/systemd/system/etcd.service /etc/etcd 2>/dev/null; ls -d /var/lib/etcd*";
    assert.match(await onHost(n, `${left} || true`), /^inactive\n\/var\/lib\/etcd\.aside-\d{8}T\d{6}Z$/);
  }
});

test("the leader is removed like any other: leadership moves first", async (context) => {
  const leader = await onHost(
    3,
    "etcd-host ctl move-leader $(etcd-host ctl member list | sed -n 's/,.*node3,.*//p') && echo moved",
  );
  assert.match(leader, /moved/);
  await project.configure({ nodes: [...nodes.slice(0, 2), nodes[3]] });
  const up = await planned(project, { node1: "nothing", node2: "nothing", node4: "join", node3: "remove" });
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.deepEqual(await listedMembers(1), ["node1", "node2", "node4"]);
  await must(project.up("--expect-no-changes"));
  await must(lab("enter", "4", "etcd-host", "verify"));
});
