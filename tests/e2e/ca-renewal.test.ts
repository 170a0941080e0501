import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { whileShakingHands } from "./handshakes.ts";
import { bareHosts, labDown, labEnv, must, onHost, run } from "./lab.ts";
import { cli, planOf, upAsPlanned } from "./planned.ts";
import { Project } from "./project.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];
let project: Project;

/** A cluster in its last month: its CAs and all certificates are as if they had been made 100 days ago, for 130 and 120. */
before(async () => {
  await bareHosts(3);
  project = await Project.create("aged", { caValidityDays: 130, leafValidityDays: 120, renewBeforeDays: 14 });
  await must(project.up());
  labEnv.LAB_CERTIFICATES_MADE_DAYS_AGO = "100";
  await must(project.up("--replace", "**client-ca-cert", "--replace", "**peer-ca-cert"));
  delete labEnv.LAB_CERTIFICATES_MADE_DAYS_AGO;
});
after(async () => {
  await project.dispose();
  await labDown();
});

async function ends(): Promise<Readonly<Record<string, string>>> {
  const value = await project.output("certificatesExpire");
  assert.ok(typeof value === "object" && value !== null);
  return Object.fromEntries(Object.entries(value).map(([name, end]) => [name, String(end)]));
}

test("in the last month of its CAs leaf certificates are renewed all the same, and are said to end with them", async () => {
  await project.configure({ renewBeforeDays: 30 });
  const { all } = await upAsPlanned(project, { node1: "renew", node2: "renew", node3: "renew" });
  assert.match(all, /The peer CA ends on .*: pulumi config set caRenewBeforeDays 65, then the plan/);
  const { "client-ca": client, "peer-ca": peer, ...leaves } = await ends();
  for (const [name, end] of Object.entries(leaves))
    assert.equal(end, name.endsWith("-peer") ? peer : client, name);
  await project.configure({ renewBeforeDays: 14 });
  await must(project.up());
  const job = await cli(project, "up", "--renewals-only");
  assert.equal(job.code, 3);
  assert.match(
    job.all,
    /^nothing to do; but a CA needs somebody:\nThe client CA ends on .*\nThe peer CA ends on /m,
  );
});

test("both CAs are renewed in one up: each member restarts once, and clients with the old CA certificate go on", async (context) => {
  const keys = await publicKeys();
  const { "client-ca": before = "" } = await ends();
  await project.configure({ caRenewBeforeDays: 60 });
  assert.deepEqual(
    (await planOf(project)).cluster.filter(({ step }) => step === "ca").map(({ text }) => text.split(";")[0]),
    ["client-ca", "peer-ca"].map((ca) => `${ca} gets a new certificate with the same key`),
  );
  const renewals = await cli(project, "up", "--renewals-only");
  assert.notEqual(renewals.code, 0, "a renewal that restarts members is for a person to decide");

  const bundle = join(project.dir, "before");
  await must(run("mkdir", ["-p", bundle]));
  await must(cli(project, "client", "--write-bundle", "before"));
  const endpoints = NODES.map((n) => `https://192.168.1.10${n}:2379`);
  let written: Awaited<ReturnType<typeof whileWriting>> | undefined;
  const handshakes = await whileShakingHands(bundle, endpoints, async () => {
    written = await whileWriting(project, () =>
      upAsPlanned(project, { node1: "restart", node2: "restart", node3: "restart" }),
    );
  });
  context.diagnostic(JSON.stringify({ written, ...handshakes, serials: handshakes.serials.length }));
  assert.deepEqual(handshakes.failed, []);
  assert.ok(handshakes.done > 100);
  assert.equal(handshakes.serials.length, 6, "three certificates of before, and three new ones");
  assert.equal(written?.missing, 0);
  await assertNoOutage(written, NODES);

  assert.deepEqual(await publicKeys(), keys);
  assert.ok(Date.parse((await ends())["client-ca"] ?? "") > Date.parse(before) + 90 * 86_400_000);
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  await must(project.up("--expect-no-changes"));
});

/** Of both CAs, as the first host has them. */
function publicKeys(): Promise<string> {
  return onHost(
    1,
    "for ca in client peer; do openssl x509 -in /etc/etcd/pki/$ca-ca.crt -noout -pubkey; done",
  );
}
