import assert from "node:assert/strict";
import { lab, must, onHost } from "./lab.ts";

/** Three members, each of them healthy, of one cluster; data was set aside by all of them, or by none. */
export async function oneCluster({ beganAnew = false } = {}): Promise<void> {
  const folders = beganAnew
    ? /^\/var\/lib\/etcd\n\/var\/lib\/etcd-host\n\/var\/lib\/etcd\.aside-\w+$/
    : /^\/var\/lib\/etcd\n\/var\/lib\/etcd-host$/;
  const ids = await Promise.all(
    [1, 2, 3].map(async (n) => {
      assert.equal(await onHost(n, "etcd-host verify"), `node${n} is as declared`);
      assert.match(await onHost(n, "ls -d /var/lib/etcd*"), folders);
      const log = await onHost(
        n,
        'journalctl -u etcd -o cat --no-pager | grep -o \'"cluster-id":"[0-9a-f]*"\' | sort -u',
      );
      return log;
    }),
  );
  assert.equal(new Set(ids).size, 1, `more than one cluster: ${ids.join(" ")}`);
  const health = await must(lab("enter", "1", "etcd-host", "health"));
  assert.equal(health.stdout.match(/\| started \|/g)?.length, 3);
}
