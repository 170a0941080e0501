import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clientOn } from "./access.ts";
import { bareHosts, lab, labDown, must, onHost } from "./lab.ts";
import { cli, planned, planOf, upAsPlanned } from "./planned.ts";
import { Project } from "./project.ts";
import { whileWriting } from "./writing.ts";

const OUTSIDE = /permission denied/;
const app1 = { name: "app1", access: [{ prefix: "/app1/", may: "readwrite" }] };
const app2 = { name: "app2", access: [{ key: "shared", may: "read" }] };
let project: Project;
let asApp1: (...words: readonly string[]) => Promise<string>;

/** A cluster whose own certificates are root's already, while authentication is still off. */
before(async () => {
  await bareHosts(3);
  project = await Project.create("access", { rbac: false });
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("authentication is switched on, with a flag in the same up, and no write of the administrator's is lost", async (context) => {
  await project.configure({ rbac: true, clients: [app1, app2], snapshotCount: 20000 });
  const { cluster, security } = await planOf(project);
  assert.deepEqual(
    cluster.filter(({ step }) => step === "access").map(({ text }) => text),
    ["auth is switched on; app1 may readwrite /app1/; app2 may read the key shared"],
  );
  assert.deepEqual(
    security
      .filter(({ kind, what }) => kind === "access" && !what.startsWith("client "))
      .map(({ what, old, new: now }) => [what, old, now]),
    [
      ["authentication", "off", "on"],
      ["what app1 may do", "none", "readwrite prefix /app1/"],
      ["what app2 may do", "none", "read key shared"],
    ],
  );
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await must(project.up("--expect-no-changes"));
  assert.equal(await onHost(2, "etcd-host verify"), "node2 is as declared");

  asApp1 = await clientOn(project, 1, "app1");
  assert.equal(await asApp1("put", "/app1/a", "1"), "OK");
  for (const key of ["shared", "/app2/a", "etcd-host/members/node1"])
    assert.match(await asApp1("get", key), OUTSIDE, key);
  assert.match(await asApp1("user", "list"), OUTSIDE);
});

test("it outlives its leader, and a member that is replaced; no write is lost", async (context) => {
  const written = await whileWriting(project, async () => {
    await onHost(await leader(), "systemctl kill --signal=KILL etcd");
    await must(lab("reset", "2"));
    await project.configureNode("node2", { incarnation: 2 });
    await upAsPlanned(project, { node2: "replace", node1: "nothing", node3: "nothing" });
  });
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.match(await asApp1("get", "/app2/a"), OUTSIDE);
  assert.equal(await asApp1("get", "/app1/a", "--print-value-only"), "1");
});

/** The number of the host whose member leads. */
async function leader(): Promise<number> {
  const fields = await onHost(1, "etcd-host ctl endpoint status -w fields");
  const field = (name: string) =>
    [...fields.matchAll(new RegExp(`"${name}" : "?([^"\\n]*)`, "g"))].map(([, value]) => value);
  const [ids, leads, endpoints] = [field("MemberID"), field("Leader"), field("Endpoint")];
  return Number(/\.10(\d):/.exec(endpoints[ids.indexOf(leads[0])] ?? "")?.[1]);
}

test("grants change, a client goes, and a user that nobody declared is refused until it is gone", async () => {
  await onHost(1, "etcd-host ctl user add mallory --no-password");
  const verified = await cli(project, "verify");
  assert.equal(verified.code, 5);
  assert.match(verified.stdout, /etcd has the user mallory, which is not declared/);
  await project.configure({
    clients: [
      {
        ...app1,
        access: [
          { prefix: "/app1/", may: "read" },
          { key: "shared", may: "write" },
        ],
      },
    ],
  });
  const refused = await project.up();
  assert.notEqual(refused.code, 0);
  assert.match(refused.all, /refused: etcd has users that this stack does not declare: mallory\./);
  assert.equal(await asApp1("put", "/app1/a", "2"), "OK", "nothing was changed");
  await onHost(1, "etcd-host ctl user delete mallory");
  assert.deepEqual(
    (await planOf(project)).cluster.filter(({ step }) => step === "access").map(({ text }) => text),
    ["app1 may read /app1/ (before: readwrite), write the key shared; app2 is removed"],
  );
  await must(project.up());
  assert.match(await asApp1("put", "/app1/a", "3"), OUTSIDE);
  assert.equal(await asApp1("put", "shared", "3"), "OK");
  assert.equal(await onHost(3, "etcd-host ctl user list"), "app1\nroot");
  await must(project.up("--expect-no-changes"));
});

test("the setting may not be left out while it is on; it is switched off", async () => {
  const clients = [{ name: "app1" }];
  await project.configure({ rbac: undefined, clients });
  assert.match((await project.pulumi("preview")).all, /rbac: authentication is on, and without this setting/);
  await project.configure({ rbac: false });
  await must(project.up());
  assert.equal(await asApp1("put", "/app2/a", "1"), "OK");
});
