/**
 * Both CAs of five members get another key while things happen: a kill in each step, a reboot in the middle of each, a machine
 * replaced, a node given up and another one added between them.
 */

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { whileShakingHands } from "../e2e/handshakes.ts";
import { lab, labDown, must, onHost } from "../e2e/lab.ts";
import { listedMembers, startsOf } from "../e2e/members.ts";
import { cli, upAsPlanned } from "../e2e/planned.ts";
import type { Project } from "../e2e/project.ts";
import { answering } from "../e2e/revoking.ts";
import { savedCluster } from "../e2e/saved.ts";
import { whileWriting } from "../e2e/writing.ts";

/** Five members at first; the sixth is a spare machine. */
const HOSTS = 6;
let project: Project;
let nodes: readonly unknown[];

before(async () => {
  project = await savedCluster(5, {}, HOSTS);
  nodes = Object(await project.configured("nodes"));
  await project.configure({ nodes: nodes.slice(0, 5), protect: true });
  await must(project.up());
});
after(async () => {
  await project.dispose();
  await labDown();
});

/** A moment of an `up`: a line of its output, and milliseconds later. */
type Moment = readonly [line: RegExp, laterMs: number];

/** Before any host, among the hosts, between and in restarts, and after the last. */
const MOMENTS: Readonly<Record<string, readonly Moment[]>> = {
  restart: [
    [/ (client-ca-\d+-cert|node1-certificates) (created|updating)/, 0],
    [/ node3-certificates updated/, 0],
    [/ node1-member updating/, 600],
    [/ node2-member updated/, 0],
    [/ membership updating/, 0],
  ],
  reissue: [
    [/ node2-server-cert (creating|replac)/, 0],
    [/ node2-certificates updating/, 150],
    [/ node4-certificates updated/, 0],
    [/ health updating/, 0],
  ],
};

async function step(list: readonly number[], kind: "restart" | "reissue", hosts: readonly number[]) {
  const config = { clientCa: list, peerCa: list };
  await project.configure(config);
  const [rebooted = 1] = hosts;
  for (const [index, [line, laterMs]] of (MOMENTS[kind] ?? []).entries()) {
    await project.interrupt("SIGKILL", line, laterMs).catch((error: unknown) => {
      if (!/the up ended before/.test(String(error))) throw error; // all of it had been done by the runs before
    });
    await project.pulumi("cancel", "--yes");
    if (index !== 1) continue;
    await must(lab("stop", String(rebooted))); // with whatever its files are now
    await must(lab("start", String(rebooted)));
    await onHost(
      rebooted,
      "for i in $(seq 300); do systemctl is-active --quiet etcd && exit; sleep 0.2; done; exit 1",
    );
  }
  await must(project.up());
  await must(project.up("--expect-no-changes"));
  await isWhole(hosts);
}

/** Clients come all the time, with what they fetched after the step before, to members that stay: the first one is rebooted. */
async function stepUnderHands(
  folder: string,
  ...[list, kind, hosts]: Parameters<typeof step>
): Promise<{ readonly list: readonly number[]; readonly handshakes: number }> {
  const stay = [3, 4].flatMap((n) => [2379, 2380].map((port) => `https://192.168.1.10${n}:${port}`));
  const { failed, done } = await whileShakingHands(folder, stay, () => step(list, kind, hosts));
  assert.deepEqual(failed, []);
  return { list, handshakes: done };
}

async function bundle(name: string): Promise<string> {
  const folder = join(project.dir, name);
  await mkdir(folder);
  await must(cli(project, "client", "--write-bundle", name));
  await writeFile(join(folder, "peer-ca.crt"), await onHost(1, "cat /etc/etcd/pki/peer-ca.crt"));
  return folder;
}

async function isWhole(hosts: readonly number[]): Promise<void> {
  for (const n of hosts) assert.match(await onHost(n, "etcd-host verify"), /^node\d is as declared$/);
  assert.equal((await cli(project, "verify")).code, 0);
  assert.deepEqual(
    await listedMembers(hosts[0] ?? 1),
    hosts.map((n) => `node${n}`),
  );
}

test("each step is killed at five moments and a host reboots in it; between the steps nodes come, go and are replaced", async (context) => {
  const client = await project.output("clientBundle");
  const seen: object[] = [];
  // clients come to each step with what the step before it issued, as a person who rotates gives it to them
  const underWrites = async (work: () => Promise<unknown>) => {
    const written = await whileWriting(project, work);
    seen.push(written);
    context.diagnostic(JSON.stringify(seen.splice(0)));
    assert.equal(written.missing, 0);
  };
  const founded = await bundle("founded");
  await underWrites(async () => {
    seen.push(await stepUnderHands(founded, [1, 2], "restart", [1, 2, 3, 4, 5]));
    await replaced();
    await givenUp();
  });
  const trusted = await bundle("trusted");
  await underWrites(async () => {
    seen.push(await stepUnderHands(trusted, [2, 1], "reissue", [1, 2, 3, 4]));
    await added();
  });
  const issued = await bundle("issued");
  await underWrites(async () => {
    seen.push(await stepUnderHands(issued, [2], "restart", [1, 2, 3, 4, 6]));
  });
  const endpoints = [1, 2, 3, 4, 6].map((n) => `https://192.168.1.10${n}:2379`);
  await writeFile(join(founded, "ca.crt"), await onHost(1, "cat /etc/etcd/pki/client-ca.crt"));
  assert.deepEqual(await answering(founded, endpoints), [], "a client of CA 1 that knows CA 2 is refused");
  assert.deepEqual(await answering(issued, endpoints), endpoints);
  const { stdout } = await must(project.pulumi("stack", "--show-urns"));
  assert.doesNotMatch(stdout, /::(client|peer)-ca(-key|-cert)?$/m);
  assert.notDeepEqual(await project.output("clientBundle"), client);
});

/** By another machine, without its data. */
async function replaced(): Promise<void> {
  await must(lab("reset", "2"));
  await project.configureNode("node2", { incarnation: 2 });
  const others = { node1: "nothing", node3: "nothing", node4: "nothing", node5: "nothing" } as const;
  await upAsPlanned(project, { node2: "replace", ...others });
}

/** It keeps what it has; no step waits for it. */
async function givenUp(): Promise<void> {
  await must(lab("kill", "5"));
  await project.configureNode("node5", { lost: true });
  await must(project.up());
  await isWhole([1, 2, 3, 4]);
}

async function added(): Promise<void> {
  const now: readonly unknown[] = Object(await project.configured("nodes"));
  await project.configure({ nodes: [...now.filter((node) => !Object(node).lost), nodes[5]] });
  const starts = await startsOf([1, 2, 3, 4]);
  await must(project.up());
  assert.deepEqual(await startsOf([1, 2, 3, 4]), starts);
  await isWhole([1, 2, 3, 4, 6]);
}
