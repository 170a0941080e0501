/** Both CAs are rotated to intermediates that somebody else made, and one of them gets another certificate for its key. */

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { whileShakingHands } from "../e2e/handshakes.ts";
import { labDown, must, onHost } from "../e2e/lab.ts";
import { startsOf } from "../e2e/members.ts";
import { cli, planned, planOf } from "../e2e/planned.ts";
import type { Project } from "../e2e/project.ts";
import { savedCluster } from "../e2e/saved.ts";
import { assertNoOutage, whileWriting } from "../e2e/writing.ts";
import { type Made, make } from "../unit/given.ts";

const NODES = [1, 2, 3];
const restart = { node1: "restart", node2: "restart", node3: "restart" } as const;
const reissue = { node1: "reissue", node2: "reissue", node3: "reissue" } as const;
const root = make("Example root");
const given = {
  client: make("Example client CA", { by: root }),
  peer: make("Example peer CA", { by: root }),
};
let project: Project;

before(async () => {
  project = await savedCluster(3);
});
after(async () => {
  await project.dispose();
  await labDown();
});

const both = (list: readonly number[]) => ({ clientCa: list, peerCa: list });
const certificates = (client: Made = given.client) => ({
  givenCas: { "client-2": client.pem + root.pem, "peer-2": given.peer.pem + root.pem },
});

async function bundle(name: string): Promise<string> {
  const folder = join(project.dir, name);
  await mkdir(folder);
  await must(cli(project, "client", "--write-bundle", name));
  await writeFile(
    join(folder, "peer-ca.crt"),
    `${await onHost(1, "cat /etc/etcd/pki/peer-ca.crt")}\n${root.pem}`,
  );
  return folder;
}

async function step(
  settings: Readonly<Record<string, unknown>>,
  actions: typeof restart | typeof reissue,
  folder: string,
): Promise<object> {
  await project.configure(settings);
  const up = await planned(project, actions);
  const endpoints = NODES.flatMap((n) => [2379, 2380].map((port) => `https://192.168.1.10${n}:${port}`));
  let written: Awaited<ReturnType<typeof whileWriting>> | undefined;
  const { failed, done } = await whileShakingHands(folder, endpoints, async () => {
    written = await whileWriting(project, () => up());
  });
  assert.deepEqual(failed, []);
  assert.equal(written?.missing, 0);
  await assertNoOutage(written, NODES);
  await must(project.up("--expect-no-changes"));
  assert.equal((await cli(project, "verify")).code, 0);
  return { ...settings, givenCas: undefined, ...written, handshakes: done };
}

test("by the same three steps as any other CA", async (context) => {
  const founded = await bundle("founded");
  for (const role of ["client", "peer"] as const) {
    const key = `\n${given[role].keyPem}`; // as it begins, it is no option
    await must(project.pulumi("config", "set", "--secret", "--path", `caKeys.${role}-2`, key));
  }
  await project.configure({ ...both([1, 2]), ...certificates() });
  const { security } = await planOf(project);
  const said = security.filter(({ new: now }) => now.startsWith("given, public key sha256:"));
  assert.deepEqual(said.map(({ what }) => what).toSorted(), ["client-ca-2", "peer-ca-2"]);
  context.diagnostic(JSON.stringify(await step({}, restart, founded)));
  const trusted = await bundle("trusted");
  context.diagnostic(JSON.stringify(await step(both([2, 1]), reissue, trusted)));
  const issued = await bundle("issued");
  context.diagnostic(JSON.stringify(await step(both([2]), restart, issued)));
  for (const n of NODES)
    assert.equal(
      await onHost(n, "openssl x509 -in /etc/etcd/pki/client-ca.crt -noout -subject"),
      "subject=CN = Example client CA",
    );
});

test("another certificate for its key is a rolling restart", async (context) => {
  const folder = await bundle("before");
  const starts = await startsOf(NODES);
  const renewed = make("Example client CA", { by: root, key: given.client.key });
  context.diagnostic(JSON.stringify(await step(certificates(renewed), restart, folder)));
  for (const [index, start] of (await startsOf(NODES)).entries())
    assert.notEqual(start, starts[index], `node${index + 1} restarted`);
});
