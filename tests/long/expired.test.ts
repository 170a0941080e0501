/** CAs whose end comes while the test waits for it: it needs the stand-in of the tls provider. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { endAfter, untilEnd } from "../e2e/ends.ts";
import { bareHosts, lab, labDown, must, onHost } from "../e2e/lab.ts";
import { listedMembers, startsOf } from "../e2e/members.ts";
import { planOf, upAsPlanned } from "../e2e/planned.ts";
import { Project } from "../e2e/project.ts";
import { whileWriting } from "../e2e/writing.ts";

const KEYS = 30;
let project: Project;
/** Seconds of an `up` here and now. */
let pace: number;

before(async () => {
  await bareHosts(3);
  project = await Project.create("ended", { caValidityDays: 130, leafValidityDays: 120 });
  const began = Date.now();
  await must(project.up());
  pace = (Date.now() - began) / 1000;
});
after(async () => {
  await project.dispose();
  await labDown();
});

/** Renews these CAs so that they end soon, and waits for it. */
async function ended(...cas: readonly string[]): Promise<void> {
  const replace = cas.flatMap((ca) => ["--replace", `**${ca}-cert`]);
  await project.configure({ renewBeforeDays: 0 }); // the proof asks for no more
  await must(endAfter({ cas: 5 * pace }, () => project.up(...replace)));
  for (const ca of cas) await untilEnd(1, ca.replace(/-\d+$/, ""));
  await project.configure({ renewBeforeDays: 14 });
}

/** Writes keys with an operator's certificate: a client outside trusts a CA that has ended no more than anybody. */
async function write(prefix: string): Promise<void> {
  await onHost(1, `for n in $(seq ${KEYS}); do etcd-host ctl put ${prefix}$n x >/dev/null || exit; done`);
}
async function isThere(prefix: string): Promise<void> {
  const counted = await onHost(1, `etcd-host ctl get --prefix ${prefix} --count-only -w fields`);
  assert.match(counted, new RegExp(`"Count" : ${KEYS}$`, "m"));
}

async function asDeclared(hosts: readonly number[]): Promise<void> {
  for (const n of hosts) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  assert.deepEqual(
    await listedMembers(1),
    hosts.map((n) => `node${n}`),
  );
}

test("an ended client CA that was protected: one up, and no other key", async () => {
  await project.configure({ protect: true });
  await write("client/");
  const key = () => onHost(1, "openssl x509 -in /etc/etcd/pki/client-ca.crt -noout -pubkey");
  const before = await key();
  await ended("client-ca");
  assert.match(
    await onHost(1, "etcd-host status"),
    /the client CA of this host ended on .*\netcd does not answer/s,
  );
  await project.configure({ allow: ["expired-ca"] });
  await upAsPlanned(project, { node1: "restart", node2: "restart", node3: "restart" });
  assert.equal(await key(), before);
  await isThere("client/");
  await asDeclared([1, 2, 3]);
  await must(project.up("--expect-no-changes"));
});

test("leaf certificates that ended while a member was cut off: it comes back without a restart by the up", async (context) => {
  const certificates = ["server", "peer", "operator"].flatMap((role) => ["--replace", `**-${role}-cert`]);
  await project.configure({ renewBeforeDays: 0 });
  const written = await whileWriting(project, async () => {
    await must(endAfter({ leafs: 2 * pace }, () => project.up(...certificates)));
    await untilEnd(3, "server");
    await onHost(3, "systemctl restart --no-block etcd; sleep 1");
    const started = await startsOf([1, 2, 3]);
    await must(project.up());
    assert.deepEqual(await startsOf([1, 2, 3]), started);
  });
  context.diagnostic(JSON.stringify(written));
  assert.equal(written.missing, 0);
  await asDeclared([1, 2, 3]);
});

for (const line of [
  "node1-member updating",
  "node1-member updated",
  "node3-member updating",
  "health updating",
])
  test(`both CAs ended, and the run killed at "${line}": the same up goes on`, async () => {
    await write(`${line}/`.replaceAll(" ", "-"));
    await ended("client-ca", "peer-ca");
    assert.equal((await planOf(project)).verdict, "outage");
    await project.interrupt("SIGKILL", new RegExp(` ${line}`));
    await must(project.pulumi("cancel", "--yes"));
    await must(project.up());
    await isThere(`${line}/`.replaceAll(" ", "-"));
    await asDeclared([1, 2, 3]);
    await must(project.up("--expect-no-changes"));
  });

test("the issuing one of two trusted CAs has ended: the other one issues, as the refusal says, and every restart is proven", async () => {
  await project.configure({ clientCa: [1, 2], peerCa: [1, 2] });
  await must(project.up());
  await write("second/");
  await ended("client-ca", "peer-ca");
  for (const allow of [[], ["expired-ca"]]) {
    await project.configure({ allow });
    const { code, all } = await project.pulumi("preview");
    assert.notEqual(code, 0);
    assert.match(
      all,
      /clientCa: \[2, 1\] and peerCa: \[2, 1\], with allow: \[expired-ca\], lets that one issue/,
    );
  }
  await project.configure({ clientCa: [2, 1], peerCa: [2, 1], allow: ["expired-ca"] });
  const { all } = await must(project.up());
  assert.doesNotMatch(all, /restarts without a proof, with/);
  await isThere("second/");
  await asDeclared([1, 2, 3]);
  await must(project.up("--expect-no-changes"));
  await project.configure({ clientCa: [2], peerCa: [2] });
  await must(project.up());
  await asDeclared([1, 2, 3]);
});

test("a host that is down when its CA has ended: nothing is restarted, until it is declared lost", async () => {
  await write("lost/");
  await ended("client-ca-2", "peer-ca-2");
  await must(lab("stop", "3"));
  const started = await startsOf([1, 2]);
  const { code } = await project.up();
  assert.notEqual(code, 0);
  assert.deepEqual(await startsOf([1, 2]), started);
  await project.configureNode("node3", { lost: true });
  await upAsPlanned(project, { node1: "restart", node2: "restart", node3: "inert" });
  await isThere("lost/");
  await asDeclared([1, 2]);
});
