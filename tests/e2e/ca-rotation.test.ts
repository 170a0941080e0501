/** Both CAs get another key, in three ups and with steps back: no handshake of a valid client fails, and no write is lost. */

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Action } from "../../cli/plan/model.ts";
import { shown } from "../../cluster/rotation.ts";
import { labCommand } from "../../lab/describe.ts";
import { whileShakingHands } from "./handshakes.ts";
import { labDown, labEnv, must, onHost, run } from "./lab.ts";
import { startsOf } from "./members.ts";
import { cli, planned } from "./planned.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";
import { assertNoOutage, whileWriting } from "./writing.ts";

const NODES = [1, 2, 3];
const restart = { node1: "restart", node2: "restart", node3: "restart" } as const;
const reissue = { node1: "reissue", node2: "reissue", node3: "reissue" } as const;
let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

/** What a client outside has: it is fetched again only when the docs say so. */
async function bundle(name: string): Promise<string> {
  const folder = join(project.dir, name);
  await mkdir(folder);
  await must(cli(project, "client", "--write-bundle", name));
  await writeFile(join(folder, "peer-ca.crt"), await onHost(1, "cat /etc/etcd/pki/peer-ca.crt"));
  return folder;
}

const both = (list: readonly number[]) => ({ clientCa: list, peerCa: list });

/** One step, with the clients that have `folder` the whole time; returns the served certificates. */
async function step(
  list: readonly number[],
  actions: Readonly<Record<string, Action>>,
  folder: string,
): Promise<object> {
  await project.configure(both(list));
  const up = await planned(project, actions, ({ cluster }) => {
    const rows = cluster.filter((row) => row.step === "ca").map(({ text }) => text);
    assert.equal(rows.filter((text) => text.includes(`→ ${shown(list)}, step `)).length, 2, rows.join("\n"));
  });
  const endpoints = NODES.flatMap((n) => [2379, 2380].map((port) => `https://192.168.1.10${n}:${port}`));
  let written: Awaited<ReturnType<typeof whileWriting>> | undefined;
  const { failed, done, serials } = await whileShakingHands(folder, endpoints, async () => {
    written = await whileWriting(project, () => up());
  });
  assert.deepEqual(failed, []);
  assert.ok(done > 100, `${done} handshakes`);
  assert.equal(written?.missing, 0);
  await assertNoOutage(written, NODES);
  for (const n of NODES) assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
  return { list, ...written, handshakes: done, serials: serials.length };
}

test("lists that are out of order, or not alone, are refused in preview with what comes first", async () => {
  const nodes: readonly unknown[] = Object(await project.configured("nodes"));
  await project.configure({ clientCa: [2], peerCa: [2, 1], nodes: nodes.slice(0, 1) });
  const { code, all } = await project.pulumi("preview");
  await project.configure({ clientCa: undefined, peerCa: undefined, nodes });
  assert.notEqual(code, 0);
  assert.match(
    all,
    /clientCa: \[2\] follows \[1\] only in steps, .* next is \[1, 2\], then \[2, 1\], then \[2\]\./,
  );
  assert.match(all, /peerCa: \[2, 1\] follows \[1\] only in steps, .* next is \[1, 2\], then \[2, 1\]\./);
  assert.match(
    all,
    /clientCa: a CA step goes alone; node2 is removed in this up: do one first, then the other\./,
  );
  assert.doesNotMatch(all, /remote:Command/, "something is planned beside the refusal");
});

test("both CAs are trusted, the second ones issue, the first ones go: with one step back on the way", async (context) => {
  const founded = await bundle("founded");
  await project.configure({ protect: true });
  context.diagnostic(JSON.stringify(await step([1, 2], restart, founded)));
  await isDone();
  const trusted = await bundle("trusted");
  context.diagnostic(JSON.stringify(await step([2, 1], reissue, trusted)));
  context.diagnostic(JSON.stringify(await step([1, 2], reissue, trusted)));
  await onHost(3, "cp /etc/etcd/pki/peer.crt /etc/etcd/pki/peer.key /root"); // by CA 1
  context.diagnostic(JSON.stringify(await step([2, 1], reissue, trusted)));
  assert.equal((await asks(founded)).code, 0, "by CA 1, which is trusted still");
  const issued = await bundle("issued");
  await refusesOldHost();
  context.diagnostic(JSON.stringify(await step([2], restart, issued)));
  await isDone();
});

/** A second `up` has nothing to do, and every host is what the state declares. */
async function isDone(): Promise<void> {
  const renewals = await cli(project, "up", "--renewals-only");
  assert.equal(renewals.stdout, "nothing to do\n", renewals.all);
  const verified = await cli(project, "verify");
  assert.equal(verified.code, 0, verified.all);
}

/** The third step, cut off before its first restart; then a host is put back to what it had when CA 1 issued. */
async function refusesOldHost(): Promise<void> {
  await project.configure(both([2]));
  await project.interrupt("SIGKILL", / before updating/);
  await must(project.pulumi("cancel", "--yes"));
  await onHost(3, "cp /root/peer.crt /root/peer.key /etc/etcd/pki/");
  const starts = await startsOf(NODES);
  const { code, all } = await project.up();
  assert.notEqual(code, 0);
  assert.match(
    all,
    /node3 serves a peer certificate of a CA that the new bundle does not have; a restart would cut node1 from it\. Raise checkId and run 'pulumi up'/,
  );
  assert.deepEqual(await startsOf(NODES), starts);
  await project.configure({ checkId: 1 });
}

/** Whether a client outside may read with that bundle's certificate; it knows the CAs of now. */
async function asks(folder: string): ReturnType<typeof run> {
  const ca = join(project.dir, "trusted/ca.crt");
  const files = ["--cacert", ca, "--cert", join(folder, "client.crt"), "--key", join(folder, "client.key")];
  return run(labCommand, ["exec", "curl", "-sSm5", ...files, "https://192.168.1.101:2379/version"], labEnv);
}

test("CA 1's client is refused, CA 1 is gone from the state, and its number never comes again", async () => {
  const refused = await asks(join(project.dir, "founded"));
  assert.notEqual(refused.code, 0);
  assert.match(
    refused.all,
    /^curl: \((35|55|56)\) /,
    "the connection is ended, as the request is sent or answered",
  );
  assert.equal((await asks(join(project.dir, "issued"))).code, 0);
  const names = (await must(project.pulumi("stack", "--show-urns"))).stdout;
  assert.doesNotMatch(names, /::(client|peer)-ca(-key|-cert)?$/m);
  assert.match(names, /::client-ca-2-key$/m);
  await project.configure({ clientCa: [2, 1] });
  const { all } = await project.pulumi("preview");
  await project.configure({ clientCa: [2] });
  assert.match(
    all,
    /clientCa: 1 was dropped, and a number is one CA for ever; a new CA gets the next number: \[2, 3\]/,
  );
});
