/**
 * A member whose disk gave it other bytes than it had written: the cluster notices by its hashes, everything refuses, and
 * the replacement of that member heals it. Nothing that was acknowledged is lost.
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { prepareEtcd } from "../../lab/prepare.ts";
import { labDown, must, onHost } from "../e2e/lab.ts";
import { listedMembers, startsOf } from "../e2e/members.ts";
import { cli, planned } from "../e2e/planned.ts";
import type { Project } from "../e2e/project.ts";
import { refusedUp } from "../e2e/refused.ts";
import { savedCluster } from "../e2e/saved.ts";
import { whileWriting } from "../e2e/writing.ts";

const NODES = [1, 2, 3];
const KEY = "ledger";
const RIGHT = "paid-in-full-4711";
const WRONG = "paid-in-full-0815";

after(labDown);

/** etcd 3.6 says whose data differs; 3.5 raises the alarm without a name, so etcd-host asks for hashes itself. */
for (const [version, role] of [
  ["3.6.14", "leader"],
  ["3.5.35", "follower"],
] as const)
  describe(`etcd ${version}, a ${role}`, () => {
    let project: Project;
    let corrupt: number;

    before(async () => {
      await prepareEtcd(version, () => {});
      project = await savedCluster(3, version === "3.6.14" ? {} : { version });
      const leads = await leader();
      corrupt = role === "leader" ? leads : (leads % 3) + 1;
    });
    after(() => project.dispose());

    test("is named, everything refuses, and its replacement heals the cluster", async (context) => {
      const name = `node${corrupt}`;
      const concerns = new RegExp(
        `refused: the alarm CORRUPT concerns ${name}: raise its incarnation, nothing else helps; writes stay refused until then`,
      );
      await changeOnDisk(corrupt);
      const written = await whileWriting(project, async () => {
        const seconds = await noticed();
        context.diagnostic(`the alarm came ${seconds} s after the compaction`);

        const starts = await startsOf(NODES);
        const { sentence } = await refusedUp(project, [], { snapshotCount: 20_000 });
        assert.match(sentence("before"), concerns);
        for (const n of NODES) {
          const one = await project.up("--target", `**::node${n}-member`);
          assert.notEqual(one.code, 0);
          assert.match(one.all, concerns, `the step of node${n}`);
        }
        const defragment = await cli(project, "defragment");
        assert.notEqual(defragment.code, 0);
        assert.match(defragment.all, concerns);
        const status = await cli(project, "status");
        assert.notEqual(status.code, 0);
        assert.match(status.all, /CORRUPT/);
        assert.deepEqual(await startsOf(NODES), starts, "a member was restarted");

        await project.configureNode(name, { incarnation: 2 });
        await project.configure({ snapshotCount: undefined });
        const others = NODES.filter((n) => n !== corrupt).map((n) => [`node${n}`, "prepare"] as const);
        const up = await planned(project, { [name]: "replace", ...Object.fromEntries(others) });
        const { all } = await up();
        assert.match(all, new RegExp(`the alarm CORRUPT concerns ${name}, which is replaced in this run`));
        assert.match(all, /disarmed the alarm CORRUPT/);
      });
      context.diagnostic(JSON.stringify(written));
      assert.equal(written.missing, 0);

      assert.equal(await onHost(1, "etcd-host ctl alarm list"), "");
      assert.deepEqual(await listedMembers(1), ["node1", "node2", "node3"]);
      assert.equal(await differentHashes(), "1");
      for (const n of NODES) {
        const own = `etcd-host ctl --endpoints=https://127.0.0.1:2379 get ${KEY} --consistency=s --print-value-only`;
        assert.equal(await onHost(n, own), RIGHT);
        assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
      }
      assert.match(await onHost(corrupt, "ls -d /var/lib/etcd.aside-*/member/wal"), /aside-/);
      await must(project.up("--expect-no-changes"));
    });
  });

async function leader(): Promise<number> {
  const status = "etcd-host ctl --endpoints=https://127.0.0.1:2379 endpoint status -w fields";
  const leads = `[ "$(${status} | sed -n 's/^"Leader" : //p')" = "$(${status} | sed -n 's/^"MemberID" : //p')" ]`;
  for (const n of NODES) if ((await onHost(n, `${leads} && echo yes || echo no`)) === "yes") return n;
  throw new Error("nobody leads");
}

/**
 * Writes a value, and other bytes in its place on one member's disk, below etcd, which maps the file into memory. Later
 * values fill the page that it lies in, and nobody writes meanwhile, so that the page is not another one by then.
 */
async function changeOnDisk(n: number): Promise<void> {
  const asked = `etcd-host ctl --endpoints=https://127.0.0.1:2379 get ${KEY} --consistency=s --print-value-only`;
  await onHost(
    1,
    `{ printf '\\n'; echo 'put ${KEY} ${RIGHT}'; seq -f 'put later/%g later' 100; printf '\\n\\n'; } | etcd-host ctl txn`,
  );
  await onHost(
    n,
    `db=/var/lib/etcd/member/snap/db
    tries=0
    until [ "$(${asked})" = ${WRONG} ]; do
      [ $((tries += 1)) -lt 50 ] || exit 1
      sleep 0.3
      { grep -obUa ${RIGHT} "$db" || true; } | cut -d: -f1 | while read -r at; do
        printf ${WRONG} | dd of="$db" bs=1 seek="$at" conv=notrunc status=none
      done
      etcd-host ctl put later/again later >/dev/null # a commit: what was read since the last one is kept in memory
    done`,
  );
}

/** A compaction hashes what there is, and the leader compares these hashes once a minute: seconds until the alarm. */
async function noticed(): Promise<number> {
  const waited = await onHost(
    1,
    `revision=$(etcd-host ctl --endpoints=https://127.0.0.1:2379 endpoint status -w fields | sed -n 's/^"Revision" : //p')
    etcd-host ctl compact --physical "$revision" >/dev/null
    began=$(date +%s)
    until etcd-host ctl alarm list | grep -q CORRUPT; do sleep 1; [ $(($(date +%s) - began)) -lt 300 ] || exit 1; done
    echo $(($(date +%s) - began))`,
  );
  return Number(waited);
}

/** How many different hashes the members have of their data, at a revision that each of them has. */
async function differentHashes(): Promise<string> {
  return onHost(
    1,
    `revision=$(etcd-host ctl endpoint status -w fields | sed -n 's/^"Revision" : //p' | sort -n | head -n 1)
    etcd-host ctl endpoint hashkv --rev="$revision" -w fields | sed -n 's/^"Hash" : //p' | sort -u | wc -l`,
  );
}
