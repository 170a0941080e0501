// A cluster whose members have much to give back, and the call that has one of them give it.
import type { TestContext } from "node:test";
import type { FakeCluster } from "./cluster.ts";
import type { Result } from "./host.ts";
import { rollingCluster, startedAt } from "./rolling.ts";

const MIB = 1024 ** 2;
/** IDs of node1, which is on the host, and of node2. */
export const [MINE, SECOND] = ["592133103447902698", "8325025528367255048"] as const;

/** As typed on node1's host, whose metrics say in turn how many defragmentations are at work there. */
export function defragment(
  { host }: FakeCluster,
  {
    args = [],
    inFlight = [],
    env = {},
    before = ":",
  }: {
    args?: readonly string[];
    inFlight?: readonly string[];
    env?: Readonly<Record<string, string>>;
    /** A line of shell before the call. */
    before?: string;
  } = {},
): Promise<Result> {
  host.write("in-flight", inFlight.map((line) => `${line}\n`).join(""));
  // nobody listens on 2379 here: what the metric says is read from a file, the last line for ever
  const metric = `defragmentations_here() {
    line=$(head -n 1 "$HOST_ROOT/in-flight"); echo "\${line:-0}"
    sed -i 1d "$HOST_ROOT/in-flight"; echo "metric \${line:-0}" >>"$HOST_ROOT/asked"
  }`;
  return host.shell(`${metric}\n${before}\ncmd_defragment`, ["--election-timeout=1", ...args], { env });
}

/** A database with much free space in it, which etcd gives back. */
export async function fragmentedCluster(t: TestContext): Promise<FakeCluster> {
  const cluster = await rollingCluster(t, startedAt("1", "3", "2"));
  isFragmented(cluster);
  return cluster;
}
export function isFragmented({ host }: FakeCluster): void {
  const sizes = (size: number, used: number) =>
    `s/^"DBSize" : .*/"DBSize" : ${size * MIB}/; s/^"DBSizeInUse" : .*/"DBSizeInUse" : ${used * MIB}/`;
  const status = host.read("answers/status-here");
  host.write("answers/status-here", status.replace('"DBSize" : 20480', `"DBSize" : ${428 * MIB}`));
  host.write("answers/status-here", host.read("answers/status-here").replace("16384", String(30 * MIB)));
  host.write("answers/after-defrag", `sed -i '${sizes(31, 30)}' status-here`);
}
export const SMALLER = "node1: 428 MiB before, 31 MiB now, 30 MiB of it in use; 0 s\n";

/** What another member says of its database, in MiB. */
export function holds({ host, members }: FakeCluster, name: string, size: number, used: number): void {
  const url = members.find((member) => member.name === name)?.clientUrl;
  const says = host
    .read("answers/status")
    .split("\n\n")
    .map((status) =>
      status.includes(`"Endpoint" : "${url}"`)
        ? status
            .replace(/"DBSize" : .*/, `"DBSize" : ${size * MIB}`)
            .replace(/"DBSizeInUse" : .*/, `"DBSizeInUse" : ${used * MIB}`)
        : status,
    );
  host.write("answers/status", says.join("\n\n"));
}
