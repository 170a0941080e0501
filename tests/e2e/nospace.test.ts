// The alarm NOSPACE, raised by writing until a small quota is full, and both ways out of it, with authentication on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { labDown, must, onHost } from "./lab.ts";
import { cli, planned } from "./planned.ts";
import type { Project } from "./project.ts";
import { savedCluster } from "./saved.ts";

const MIB = 1024 ** 2;
const QUOTA = 24 * MIB;
let project: Project;

before(async () => {
  project = await savedCluster(3, { rbac: true, quotaBackendBytes: QUOTA });
});
after(async () => {
  await project.dispose();
  await labDown();
});

/** Puts a megabyte to a key, again and again, until etcd refuses it; `key` is of shell, with $n. */
async function fill(key: string): Promise<void> {
  const said = await onHost(
    1,
    `head -c 1000000 /dev/zero | tr '\\0' x >/tmp/value
    cd /etc/etcd/pki
    n=0; while etcdctl --cacert=client-ca.crt --cert=operator.crt --key=operator.key put "${key}" </tmp/value 2>&1; do
      n=$((n + 1))
    done`,
  );
  assert.match(said, /database space exceeded/);
}
const put = (key: string) => onHost(1, `etcd-host ctl put ${key} 1 2>&1 || true`);
const alarms = () => onHost(1, "etcd-host ctl alarm list");

test("history that fills the quota is compacted, and writes pass again", async (context) => {
  await fill("churn");
  assert.match(await alarms(), /alarm:NOSPACE/);
  assert.match(await put("other"), /database space exceeded/);
  const { stdout, stderr } = await must(cli(project, "reclaim", "--keep", "10"));
  context.diagnostic(`${stdout}${stderr}`);
  assert.match(stdout, /Cause: more was written than the quota holds/);
  assert.match(stdout, /\na key was written and deleted: writes pass\n$/);
  assert.equal(await alarms(), "");
  assert.equal(await put("other"), "OK");
  assert.equal(await onHost(1, "etcd-host ctl get --prefix etcd-host/probe"), "");
});

test("keys that fill it need a larger quota: one up raises it, and ends the alarm", async (context) => {
  const reclaim = () => cli(project, "reclaim", "--keep", "10");
  await fill("stays-$n");
  let ended = await reclaim();
  for (let more = 1; ended.code === 0 && more < 5; more++) {
    await fill(`stays-${more}-$n`); // what it gave back
    ended = await reclaim();
  }
  const { code, stdout, stderr } = ended;
  context.diagnostic(`${stdout}${stderr}`);
  assert.equal(code, 5);
  assert.match(stdout, /Cause: the live keys have grown/);
  assert.match(
    stderr,
    /\nkeys alone fill \d+ % of the quota: delete keys and run this again, or raise quotaBackendBytes/,
  );
  assert.match(await put("other"), /database space exceeded/);

  await project.configure({ quotaBackendBytes: 4 * QUOTA, allow: ["nospace-alarm"] });
  const up = await planned(project, { node1: "restart", node2: "restart", node3: "restart" });
  await up();
  assert.equal(await alarms(), "");
  assert.equal(await put("other"), "OK");
  await must(project.up("--expect-no-changes"));
});
