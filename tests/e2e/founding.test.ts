/** A founding that fails or is killed goes on once its cause is repaired: with or without a raised checkId, and with a corrected setting. */

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { bareHosts, labDown, must, onHost, type Result } from "./lab.ts";
import { oneCluster } from "./one-cluster.ts";
import { Project } from "./project.ts";
import { swept } from "./sweep.ts";

beforeEach(() => bareHosts(3));
after(labDown);

const CHECKED = { checkId: 1 };
const FLAG = { extraFlags: { "max-request-bytes": "2097152" } };

/** What is wrong with one host, how it is repaired, and which step fails meanwhile. */
interface Cause {
  readonly step: string;
  readonly host: number;
  readonly breaks: string;
  readonly repairs: string;
}
const NO_FOLDER: Cause = {
  step: "node2-host",
  host: 2,
  breaks: "touch /etc/etcd",
  repairs: "rm /etc/etcd",
};
const NO_DOWNLOAD: Cause = {
  step: "node3-binaries",
  host: 3,
  breaks:
    "mv /usr/bin/curl /usr/bin/curl.away; printf '#!/bin/sh\\nexit 7\\n' >/usr/bin/curl; chmod +x /usr/bin/curl",
  repairs: "mv /usr/bin/curl.away /usr/bin/curl",
};
/** A variable of all services that etcd takes for a flag of its own: no preflight can see it. */
const DROP_IN = "/etc/systemd/system/service.d/name.conf";
const NO_START: Cause = {
  step: "node2-member",
  host: 2,
  breaks: `mkdir -p $(dirname ${DROP_IN}); printf '[Service]\\nEnvironment=ETCD_NAME=other\\n' >${DROP_IN}; systemctl daemon-reload`,
  repairs: `rm ${DROP_IN}; systemctl daemon-reload`,
};

const FAILURES: readonly (readonly [string, Cause, Readonly<Record<string, unknown>>])[] = [
  ["a host that cannot be prepared", NO_FOLDER, {}],
  ["an archive that cannot be had, checkId raised", NO_DOWNLOAD, CHECKED],
  ["a member that cannot start, checkId raised", NO_START, CHECKED],
  ["a member that cannot start while the others serve, another flag for all", NO_START, FLAG],
];

for (const [title, cause, corrected] of swept("a first up that fails", FAILURES))
  test(`${title}: repaired, the founding goes on`, async () => {
    const project = await Project.create("founding");
    await onHost(cause.host, cause.breaks);
    const failed = await project.up();
    assert.notEqual(failed.code, 0);
    assert.match(failed.all, new RegExp(`${cause.step}.*failed`));
    await onHost(cause.host, cause.repairs);
    await goesOn(project, corrected);
  });

test("flags that no member starts with: corrected, the founding goes on", async () => {
  const unusable = { "auth-token": "jwt,sign-method=none" };
  const project = await Project.create("founding", { extraFlags: unusable });
  const failed = await project.up();
  assert.notEqual(failed.code, 0);
  for (const n of [1, 2, 3])
    assert.match(failed.all, new RegExp(`etcd ended right after its start on node${n}`));
  // etcd ends with these after it has made its WAL, and before it has written the list of members into it
  await goesOn(project, { extraFlags: undefined }, { beganAnew: true });
});

test("killed while the members start, checkId raised and another flag: the founding goes on", async () => {
  const project = await Project.create("founding");
  await project.interrupt("SIGKILL", / node\d-member creating/);
  await must(project.pulumi("cancel", "--yes"));
  await goesOn(project, { ...CHECKED, ...FLAG });
});

test("killed while the cluster is proven, another flag: the members are restarted one at a time", async () => {
  const project = await Project.create("founding");
  await project.interrupt("SIGKILL", /Command health creating/);
  await must(project.pulumi("cancel", "--yes"));
  await served();
  const { all } = await goesOn(project, FLAG);
  for (const n of [1, 2, 3]) assert.match(all, new RegExp(`restarted node${n} in \\d+ s`));
  const times = await Promise.all([1, 2, 3].map(downtime));
  times.sort((one, other) => one.stopped - other.stopped);
  for (const [index, { stopped }] of times.entries())
    assert.ok(
      stopped >= (times[index - 1]?.ready ?? 0),
      `two members were down at once: ${JSON.stringify(times)}`,
    );
});

/** The next `up` ends with one healthy cluster, and the one after it has nothing to do. */
async function goesOn(
  project: Project,
  corrected: Readonly<Record<string, unknown>>,
  { beganAnew = false } = {},
): Promise<Result> {
  await project.configure(corrected);
  const result = await must(project.up());
  await oneCluster({ beganAnew });
  await must(project.up("--expect-no-changes"));
  await project.dispose();
  return result;
}

/** All members have been in a quorum. */
async function served(): Promise<void> {
  for (const n of [1, 2, 3])
    await onHost(
      n,
      "for i in $(seq 300); do systemctl is-active --quiet etcd && exit 0; sleep 0.1; done; exit 1",
    );
}

/** When the member was stopped and ready again, in microseconds since the boot of the machine, which its hosts share. */
async function downtime(n: number): Promise<{ stopped: number; ready: number }> {
  const text = await onHost(
    n,
    "systemctl show etcd --property=InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic",
  );
  const of = (property: string) => Number(new RegExp(`${property}=(\\d+)`).exec(text)?.[1]);
  return { stopped: of("InactiveExitTimestampMonotonic"), ready: of("ActiveEnterTimestampMonotonic") };
}
