// The steps of the cluster around its members, as Pulumi runs them on the admin host.
import type { TestContext } from "node:test";
import { FakeCluster, type Listeners } from "./cluster.ts";
import type { Result } from "./host.ts";
import { VERSION } from "./mirror.ts";
import { isUnhealthy } from "./rolling.ts";

/** `declared` of the members that answer are declared, from the first one on. */
export async function steppingCluster(
  t: TestContext,
  { declared = 3, count = 3, listeners = {} }: Stepping = {},
): Promise<FakeCluster> {
  const cluster = await FakeCluster.create(t, listeners, count);
  cluster.declared.splice(declared);
  for (const { name } of cluster.members) cluster.recorded[name] = 1;
  cluster.host.binary("etcdutl", "#!/bin/sh\n");
  // who is silent is not waited for as long
  cluster.host.fake("timeout", 'shift; exec /usr/bin/timeout 0.5 "$@"');
  cluster.answer();
  return cluster;
}
interface Stepping {
  readonly declared?: number;
  readonly count?: number;
  readonly listeners?: Listeners | ((index: number) => Listeners);
}

/** `settings` are lines of shell before the step, which by itself waits for nothing. */
export function step(
  cluster: FakeCluster,
  subcommand: "before" | "membership",
  options: readonly string[] = [],
  { settings = "", env = {} }: { settings?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Result> {
  const all = [`--version=${VERSION}`, "--check-id=0", "--election-timeout=1", ...options];
  const stdin = cluster.declared.join("");
  return cluster.host.shell(`BEFORE_SECONDS=0; MEMBERSHIP_SECONDS=0; ${settings}\ncmd_${subcommand}`, all, {
    stdin,
    env,
  });
}

/** Members that answer nothing: etcd does not know more of them than their names. */
export function isDown(cluster: FakeCluster, ...names: readonly string[]): void {
  for (const member of cluster.members) if (names.includes(member.name)) member.version = undefined;
  isUnhealthy(cluster, ...names);
  cluster.answer();
}
