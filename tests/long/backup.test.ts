/**
 * A schedule over minutes, while members are killed, stopped and frozen in turn: no gap of more than two intervals in the
 * store, every object restores, and a snapshot of a large database stops no writer.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { labDown, must, onHost } from "../e2e/lab.ts";
import type { Project } from "../e2e/project.ts";
import { savedCluster } from "../e2e/saved.ts";
import { LabStore } from "../e2e/store.ts";
import { whileWriting } from "../e2e/writing.ts";

const NODES = [1, 2, 3];
/** Shorter than a stack may ask for: the hosts' own settings are changed. */
const INTERVAL_S = 30;
const MINUTES = 4;
let project: Project;
let store: LabStore;
let identity = "";

before(async () => {
  project = await savedCluster(3);
  store = await LabStore.start();
  const made = await onHost(1, "age-keygen 2>/dev/null");
  identity = made.split("\n").find((line) => line.startsWith("AGE-SECRET-KEY")) ?? "";
  const [, recipient = ""] = /public key: (age1\S+)/.exec(made) ?? [];
  await must(project.pulumi("config", "set", "--secret", "backupAccessKey", store.accessKey));
  await project.configure({
    backup: { interval: "5m", keep: 100, reserveMiB: 64, store: store.settings, encryption: [recipient] },
  });
  await must(project.up());
  for (const n of NODES)
    await onHost(
      n,
      `sed -i 's/^interval=.*/interval=${INTERVAL_S}/' /var/lib/etcd-host/upkeep
       mkdir -p /etc/systemd/system/etcd-backup.timer.d
       printf '[Timer]\\nOnCalendar=\\nOnCalendar=*:*:0/5\\nRandomizedDelaySec=2\\nAccuracySec=1s\\n' >/etc/systemd/system/etcd-backup.timer.d/often.conf
       systemctl daemon-reload && systemctl restart etcd-backup.timer`,
    );
});
after(async () => {
  await labDown();
  store.stop();
  await project.dispose();
});

/** What happens to a member, and what ends it. */
const faults: readonly (readonly [fault: string, end: string])[] = [
  ["systemctl kill --signal=KILL etcd", "true"],
  ["systemctl stop etcd", "systemctl start etcd"],
  ["systemctl kill --signal=STOP etcd", "systemctl kill --signal=CONT etcd"],
  ["systemctl kill --signal=KILL etcd-backup.service || true", "true"],
];

const packed = async () => (await store.keys()).filter((key) => !key.endsWith(".sha256"));
const secondsOf = (key: string) => {
  const [, ...parts] = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(key) ?? [];
  const [year = 0, month = 1, day, hour, minute, second] = parts.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
};

test("no gap of more than two intervals while members fail in turn, and every object restores", async (context) => {
  const began = Date.now();
  const written = await whileWriting(project, async () => {
    for (let round = 0; Date.now() - began < MINUTES * 60_000; round++) {
      const [fault, end] = faults[round % faults.length] ?? ["true", "true"];
      const n = (round % 3) + 1;
      await onHost(n, fault);
      await delay(12_000);
      await onHost(n, end);
      await delay(8_000);
    }
  });
  const keys = await packed();
  const times = keys.map(secondsOf).sort((a, b) => a - b);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  context.diagnostic(`${keys.length} snapshots, gaps ${gaps.join(" ")} s, ${written.acknowledged} writes`);
  assert.ok(keys.length > (MINUTES * 60) / (2 * INTERVAL_S), keys.join("\n"));
  assert.ok(Math.max(...gaps) <= 2 * INTERVAL_S, `${Math.max(...gaps)} s`);
  assert.equal(written.missing, 0);
  for (const n of NODES) {
    const restored = await onHost(
      n,
      `cd /var/lib/etcd-host/snapshots && sha256sum --quiet --check ./*.sha256 && printf '%s\\n' '${identity}' >/tmp/identity
       for file in *.age; do
         rm -rf /tmp/restored; age -d -i /tmp/identity "$file" | gunzip >/tmp/raw.db
         etcdutl snapshot restore /tmp/raw.db --data-dir /tmp/restored >/dev/null 2>&1 && echo restored
       done | wc -l; ls *.age | wc -l; ls -A | grep -c -e '^\\.' || true`,
    );
    const [done, all, unfinished] = restored.split("\n").map(Number);
    assert.equal(done, all, `node${n}`);
    assert.ok(Number(unfinished) <= 1, `node${n}: only what was cut off last`);
  }
});

test("a snapshot of hundreds of megabytes stops no writer", async (context) => {
  await onHost(
    1,
    `cd /etc/etcd/pki
     export ETCDCTL_CACERT=client-ca.crt ETCDCTL_CERT=operator.crt ETCDCTL_KEY=operator.key ETCDCTL_COMMAND_TIMEOUT=60s
     head -c 1000000 /dev/urandom | base64 -w 0 | head -c 1000000 >/tmp/value
     seq -f large/%g 600 | xargs -P 4 -I KEY sh -c 'etcdctl put KEY </tmp/value >/dev/null'`,
  );
  const quiet = await whileWriting(project, () => delay(20_000));
  const busy = await whileWriting(project, async () => {
    for (const n of NODES) await onHost(n, "etcd-host backup");
  });
  context.diagnostic(`longest gap ${quiet.longestGapMs} ms without, ${busy.longestGapMs} ms with snapshots`);
  assert.equal(busy.missing, 0);
});
