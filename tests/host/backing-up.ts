// A member whose host takes snapshots by itself: the step that sets it up, and a run as its timer does it.
import type { TestContext } from "node:test";
import type { FakeCluster } from "./cluster.ts";
import type { Host, Result, Surroundings } from "./host.ts";
import { withAge, withEtcdutl } from "./packing.ts";
import { rollingCluster } from "./rolling.ts";
import { FakeStore } from "./stores.ts";

export const SNAPSHOTS = "var/lib/etcd-host/snapshots";
export const STATE = "var/lib/etcd-host";
/** What the step of a member says, with what is asked of it exchanged. */
export function upkeep(
  host: Host,
  changed: Readonly<Record<string, string>> = {},
  surroundings: Surroundings = {},
): Promise<Result> {
  const options = {
    name: "node1",
    incarnation: "0",
    owner: "urn:upkeep",
    interval: "1h",
    keep: "3",
    reserve: "1024",
    "max-age": "10800",
    ...changed,
  };
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === "" ? [] : [`--${name}=${value}`],
  );
  return host.run(["upkeep", ...words], surroundings);
}

export async function backedUp(
  t: TestContext,
  changed: Readonly<Record<string, string>> = {},
): Promise<FakeCluster & { readonly host: Host }> {
  const cluster = await rollingCluster(t);
  const { host } = cluster;
  withEtcdutl(host);
  withAge(host);
  host.write(`${STATE}/mark`, `${host.read(`${STATE}/mark`).replace(/^cluster=.*\n/m, "")}cluster=token-1\n`);
  await upkeep(host, changed, { stdin: "== store.key\nKEYID:SECRET\n" });
  return cluster;
}

export async function withStore(t: TestContext, changed: Readonly<Record<string, string>> = {}) {
  const store = await FakeStore.start(t);
  const options = { store: store.url, "store-prefix": "etcd", "store-region": "eu-central-1" };
  const cluster = await backedUp(t, { ...options, ...changed });
  return { cluster, host: cluster.host, store };
}

export const backup = (host: Host, ...args: readonly string[]) =>
  host.shell("cmd_backup", args, { env: { DISK_FREE_KIB: String(8 * 1024 ** 2) } });

/** As a snapshot is called, of any time and revision. */
export const packedName = /^\d{8}T\d{6}Z-r\d+-3\.6-node1\.db\.gz$/;
/** A time as names have it, so many seconds ago. */
export const ago = (seconds: number) =>
  new Date(Date.now() - seconds * 1000).toISOString().replace(/[-:]|\.\d+/g, "");

/** The record of a backup that another member took: the line that the cluster has of it. */
export const recordOf = (time: string, key = `token-1/hourly/${time}-r1-3.6-node2.db.gz`) =>
  `etcd-host/backup ${time} 1 1 ${"0".repeat(64)} ${key} node2\n`;
/** Another member's backup: in the store, and in the record. */
export function takenByOther(host: Host, store: FakeStore, time: string): void {
  store.objects.set(`etcd/token-1/hourly/${time}-r1-3.6-node2.db.gz`, Buffer.alloc(1));
  host.write("answers/keys", recordOf(time));
}
