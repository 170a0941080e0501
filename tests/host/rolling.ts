// A serving member among others that answer, and its step on a later run.
import type { TestContext } from "node:test";
import { FakeCluster, type Listeners, METRICS, pki } from "./cluster.ts";
import type { Host, Result } from "./host.ts";
import { bundlesDigest, memberOptions, PEER_URL, servingHost, UNIT } from "./member.ts";

/** What is declared from now on, and an etcd that does not know one of its flags. */
export const NEW_UNIT = `${UNIT}LimitNOFILE=65536\n`;
export const BROKEN_UNIT = `${UNIT}Environment=BROKEN=yes\n`;

/** systemd keeps what etcd was asked until then: what the step did before it restarted the member. */
const RESTARTS = `
cat "$HOST_ROOT/asked" >"$HOST_ROOT/asked-before" 2>/dev/null
unit=$HOST_ROOT/etc/systemd/system/etcd.service
cp "$unit" "$HOST_ROOT/run/etcd-host/started/unit"
if grep -q BROKEN "$unit"; then
  echo 'Error: unknown flag: --broken' >"$HOST_ROOT/journal"
  set_state activating auto-restart 0
else
  set_state active running 4712
fi
`;

/** Three healthy members; node3 leads, and node1 runs on the host. */
export async function rollingCluster(
  t: TestContext,
  listeners: (index: number) => Listeners = () => ({}),
): Promise<FakeCluster> {
  const host = await servingHost(t, pki);
  host.write("systemd/start", RESTARTS);
  const cluster = await FakeCluster.around(t, host, listeners);
  cluster.member(0).peerUrls = [PEER_URL];
  cluster.answer();
  return cluster;
}

/** Listeners of members that were started at these times. */
export function startedAt(...times: readonly string[]): (index: number) => Listeners {
  return (index) => ({ metrics: `${METRICS}process_start_time_seconds ${times[index]}\n` });
}

/** Two more voters; the last one is down. */
export function growToFive(cluster: FakeCluster): void {
  const [second] = cluster.members.slice(1);
  if (second === undefined) throw new Error("there is no second member");
  cluster.members.push({ ...second, name: "node4", id: "44" });
  cluster.members.push({
    ...second,
    name: "node5",
    id: "55",
    clientUrl: "https://127.0.0.1:1",
    version: undefined,
  });
}

/** Says of a member that it does not answer. */
export function isUnhealthy(cluster: FakeCluster, ...names: readonly string[]): void {
  const lines = cluster.members.map(({ name, clientUrl }) =>
    names.includes(name)
      ? `${clientUrl} is unhealthy: failed to commit proposal: context deadline exceeded\n`
      : `${clientUrl} is healthy: successfully committed proposal: took = 1ms\n`,
  );
  cluster.health = { text: `${lines.join("")}Error: unhealthy cluster\n`, healthy: false };
}

/** The step as Pulumi runs it. */
export function roll(
  host: Host,
  changed: Readonly<Record<string, string>> = {},
  { unit = NEW_UNIT, env = {} }: { unit?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Result> {
  return host.run(["roll", ...rollOptions(host, changed)], { stdin: unit, env });
}
export function rollOptions(host: Host, changed: Readonly<Record<string, string>> = {}): string[] {
  return memberOptions(host, { bundles: bundlesDigest(pki), ...changed });
}
