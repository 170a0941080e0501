import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { prepareEtcd } from "../../lab/prepare.ts";
import { clientOn } from "../e2e/access.ts";
import { bareHosts, labDown, labEnv, must, onHost } from "../e2e/lab.ts";
import { planned } from "../e2e/planned.ts";
import { Project } from "../e2e/project.ts";
import { whileWriting } from "../e2e/writing.ts";

const [OLD, NEW] = ["3.5.35", "3.6.16"];
const RESTARTS = { node1: "restart", node2: "restart", node3: "restart" } as const;
let project: Project;
let asApp1: (...words: readonly string[]) => Promise<string>;

/** Bootstrapped with its users, on the oldest minor. */
before(async () => {
  for (const version of [OLD, NEW]) await prepareEtcd(version, () => {});
  await bareHosts(3);
  project = await Project.create("users", {
    version: OLD,
    snapshotCount: 500, // 3.6 writes a snapshot before it goes back
    caValidityDays: 130,
    leafValidityDays: 120,
    renewBeforeDays: 14,
    rbac: true,
    clients: [{ name: "app1", access: [{ prefix: "/app1/", may: "readwrite" }] }],
  });
  await must(project.up());
  asApp1 = await clientOn(project, 1, "app1");
  assert.equal(await asApp1("put", "/app1/a", "1"), "OK");
  await isConfined();
});
after(async () => {
  await project.dispose();
  await labDown();
});

async function isConfined(): Promise<void> {
  assert.equal(await asApp1("get", "/app1/a", "--print-value-only"), "1");
  assert.match(await asApp1("get", "/app2/a"), /permission denied/);
  for (const n of [1, 2, 3]) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  await must(project.up("--expect-no-changes"));
}

test("a minor upgrade with authentication on", async (context) => {
  await project.configure({ version: NEW });
  const up = await planned(project, RESTARTS);
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await isConfined();
});

test("and back by etcd's downgrade", async (context) => {
  await project.configure({ version: OLD, allow: ["downgrade"] });
  const up = await planned(project, RESTARTS);
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await isConfined();
});

test("both CAs are renewed with authentication on", async (context) => {
  labEnv.LAB_CERTIFICATES_MADE_DAYS_AGO = "100";
  await must(project.up("--replace", "**client-ca-cert", "--replace", "**peer-ca-cert"));
  delete labEnv.LAB_CERTIFICATES_MADE_DAYS_AGO;
  await project.configure({ caRenewBeforeDays: 60 });
  const up = await planned(project, RESTARTS);
  const written = await whileWriting(project, () => up());
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  asApp1 = await clientOn(project, 1, "app1");
  await isConfined();
});

test("both CAs are rotated with authentication on", async (context) => {
  const REISSUES = { node1: "reissue", node2: "reissue", node3: "reissue" } as const;
  for (const [list, actions] of [
    [[1, 2], RESTARTS],
    [[2, 1], REISSUES],
    [[2], RESTARTS],
  ] as const) {
    await project.configure({ clientCa: list, peerCa: list });
    const up = await planned(project, actions);
    const written = await whileWriting(project, () => up());
    context.diagnostic(JSON.stringify({ list, ...written }));
    assert.equal(written.missing, 0);
    asApp1 = await clientOn(project, 1, "app1");
    await isConfined();
  }
});

test("it is switched off, and once it is the setting may be left out: the hosts get their own names back", async () => {
  await project.configure({ rbac: false, clients: [{ name: "app1" }] });
  await must(project.up());
  assert.equal(await asApp1("put", "/app2/a", "1"), "OK");
  await project.configure({ rbac: undefined });
  await must(project.up());
  for (const n of [1, 2, 3]) {
    const subject = await onHost(n, "openssl x509 -in /etc/etcd/pki/operator.crt -noout -subject");
    assert.match(subject, new RegExp(`node${n}-operator$`));
    assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  }
});
