import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { endAfter, untilEnd } from "./ends.ts";
import { bareHosts, lab, labDown, must, onHost } from "./lab.ts";
import { startsOf } from "./members.ts";
import { cli, planOf, upAsPlanned } from "./planned.ts";
import { Project } from "./project.ts";
import { whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];
const LIVES = { caValidityDays: 130, leafValidityDays: 120 };
let project: Project;
/** Seconds that an `up` takes here and now: an end must not come before what is made with it is done. */
let pace: number;

before(async () => {
  await bareHosts(3);
  project = await Project.create("expired", { ...LIVES, renewBeforeDays: 0 });
  const began = Date.now();
  await must(project.up());
  pace = (Date.now() - began) / 1000;
});
after(async () => {
  await project.dispose();
  await labDown();
});

test("ended leaf certificates are renewed by a plain up: no restart, and nothing is lost", async (context) => {
  const leafs = ["server", "peer", "operator"].flatMap((role) => ["--replace", `**-${role}-cert`]);
  const written = await whileWriting(project, async () => {
    await must(endAfter({ leafs: 2 * pace }, () => project.up(...leafs)));
    await untilEnd(1, "server");
    const started = await startsOf(NODES);
    assert.match(await onHost(1, "etcd-host health || true"), /leaf certificates of this host have ended/);
    const status = JSON.parse((await cli(project, "status", "--json")).stdout);
    assert.equal(status.healthy, false);
    assert.match(status.members[0].ended, /'pulumi up' renews them, without a restart/);
    await must(project.up());
    assert.deepEqual(await startsOf(NODES), started);
  });
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  assert.equal(await onHost(2, "etcd-host verify"), "node2 is as declared");
});

test("a peer CA that has ended is renewed by one up, although a member was rebooted since", async (context) => {
  await must(endAfter({ cas: 30 + 3 * pace }, () => project.up("--replace", "**peer-ca-cert")));
  await untilEnd(1, "peer-ca");
  await must(lab("stop", "3"));
  await must(lab("start", "3"));
  const { code, all } = await cli(project, "plan");
  assert.equal(code, 3);
  assert.match(all, /the peer CA ended on .*: .* allow: \[expired-ca\] renews it/);

  await project.configure({ allow: ["expired-ca"], renewBeforeDays: 14 });
  const { verdict, headline } = await planOf(project);
  assert.equal(verdict, "outage");
  assert.match(headline, /^3 restarts.* an outage of a few seconds: the peer CA ended/);
  const written = await whileWriting(project, () =>
    upAsPlanned(project, { node1: "restart", node2: "restart", node3: "restart" }),
  );
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  const again = await must(project.up("--expect-no-changes"));
  assert.match(again.all, /allow: expired-ca is no longer needed/);
});
