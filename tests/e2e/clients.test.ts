import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { whileShakingHands } from "./handshakes.ts";
import { bareHosts, labDown, must, onHost, run } from "./lab.ts";
import { startsOf } from "./members.ts";
import { cli, planOf, upAsPlanned } from "./planned.ts";
import { Project } from "./project.ts";
import { answering, put, watch } from "./revoking.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];
const endpoints = NODES.map((n) => `https://192.168.1.10${n}:2379`);
const [first = ""] = endpoints;
const restarts = { node1: "restart", node2: "restart", node3: "restart" } as const;
let project: Project;

before(async () => {
  await bareHosts(3);
  project = await Project.create("clients");
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

const bundle = (client: string) => join(project.dir, client);
const write = (client: string) => must(cli(project, "client", "--client", client, "--write-bundle", client));

test("clients are created hot, and each has a bundle that works", async () => {
  await project.configure({ clients: [{ name: "app1", organization: "team-a" }, { name: "app2" }] });
  assert.deepEqual((await planOf(project)).others, ["client app1: created", "client app2: created"]);
  await upAsPlanned(project, { node1: "nothing", node2: "nothing", node3: "nothing" });
  for (const client of ["app1", "app2"]) {
    await write(client);
    assert.deepEqual(await answering(bundle(client), endpoints), endpoints, client);
  }
  const { stdout } = await must(
    run("openssl", ["x509", "-in", join(bundle("app1"), "client.crt"), "-noout", "-subject"]),
  );
  assert.match(stdout, /O ?= ?team-a, CN ?= ?app1/);
  await must(project.up("--expect-no-changes"));
});

test("revocation is switched on in one roll, and refuses nobody", async (context) => {
  await project.configure({ revocation: true });
  let written: Awaited<ReturnType<typeof whileWriting>> | undefined;
  const seen = await whileShakingHands(bundle("app1"), endpoints, async () => {
    written = await whileWriting(project, () => upAsPlanned(project, restarts));
  });
  context.diagnostic(JSON.stringify({ written, done: seen.done }));
  assert.deepEqual(seen.failed, []);
  assert.ok(seen.done > 100);
  assert.equal(written?.missing, 0);
  await must(project.up("--expect-no-changes"));
});

test("a client taken out is refused before any restart, and is outside when the up ends; others see nothing", async (context) => {
  const stolen = await watch(bundle("app1"), first, "watched");
  try {
    assert.match(String(await stolen.next()), /"created":true/);
    await project.configure({ clients: [{ name: "app2" }] });
    const plan = await planOf(project);
    assert.deepEqual(plan.hosts[0]?.why[0], "revokes app1 (1 certificate)");
    assert.ok(plan.security.some(({ kind, what }) => kind === "access" && what === "certificates of app1"));
    let written: Awaited<ReturnType<typeof whileWriting>> | undefined;
    const seen = await whileShakingHands(bundle("app2"), endpoints, async () => {
      written = await whileWriting(project, async () => {
        const starts = await startsOf(NODES);
        await must(project.up("--target", "**-certificates"));
        assert.deepEqual(await answering(bundle("app1"), endpoints), []);
        assert.deepEqual(await startsOf(NODES), starts);
        await put(bundle("app2"), first, "watched");
        assert.match(String(await stolen.next()), /"events":/, "a list alone ends no watch that is open");
        await must(project.up());
      });
    });
    for (let said = await stolen.next(); said !== undefined; said = await stolen.next())
      assert.match(said, /"error":/, "nothing comes any more but why it ended");
    context.diagnostic(JSON.stringify({ written, done: seen.done }));
    assert.deepEqual(seen.failed, []);
    assert.ok(seen.done > 100);
    assert.equal(written?.missing, 0);
    await assertNoOutage(written, NODES);
  } finally {
    await stolen.end();
  }
  assert.deepEqual(await answering(bundle("app1"), endpoints), []);
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  await must(project.up("--expect-no-changes"));
});

test("a thief with a host's keys is outside once the host has new ones", async () => {
  const thief = bundle("thief");
  for (const role of ["operator", "server"]) {
    await mkdir(join(thief, role), { recursive: true });
    const taken = { "ca.crt": "client-ca.crt", "client.crt": `${role}.crt`, "client.key": `${role}.key` };
    for (const [file, from] of Object.entries(taken))
      await writeFile(join(thief, role, file), await onHost(3, `cat /etc/etcd/pki/${from}`));
    assert.deepEqual(await answering(join(thief, role), endpoints), endpoints, role);
  }
  await project.configureNode("node3", { issue: 2 });
  await upAsPlanned(project, restarts);
  for (const role of ["operator", "server"])
    assert.deepEqual(await answering(join(thief, role), endpoints), [], role);
  assert.deepEqual(await answering(bundle("app2"), endpoints), endpoints);
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  await must(project.up("--expect-no-changes"));
});
