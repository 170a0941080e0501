// A host whose member has no data yet, beside a cluster that is there already.
import type { TestContext } from "node:test";
import { FakeCluster, pki } from "./cluster.ts";
import type { Host, Result } from "./host.ts";
import { bundlesDigest, COMES_UP, memberOptions, PEER_URL, readyHost, UNIT } from "./member.ts";
import { isUnhealthy } from "./rolling.ts";

/** The id of the member that etcd adds to two, and to three: hexadecimal, as it is asked for. */
export const ADDED_TO_TWO = "232a";
export const ADDED_TO_THREE = "232b";
export const FORMER_ID = "837adeb9ac309ea";

/** What a learner does at its start: it has a name and a URL from then on. */
const STARTS_AND_SERVES = `${COMES_UP}
mkdir -p "$HOST_ROOT/run/etcd-host/started"
cp "$HOST_ROOT/etc/systemd/system/etcd.service" "$HOST_ROOT/run/etcd-host/started/unit"
cp "$HOST_ROOT"/etc/etcd/pki/client-ca.crt "$HOST_ROOT"/etc/etcd/pki/peer-ca.crt "$HOST_ROOT/run/etcd-host/started/"
sed -i 's#||${PEER_URL}||true$#|node1|${PEER_URL}|https://192.0.2.11:2379|true#' "$HOST_ROOT/answers/rows"
set_state active running 4711
`;
const HERE = '"RaftAppliedIndex" : 1000\n"Endpoint" : "https://127.0.0.1:2379"\n';

/** Healthy node2 and node3, the leader; node1 is not listed, or is a member that is gone for good. */
export async function joiningCluster(
  t: TestContext,
  former: "absent" | "dead",
  arrange: (cluster: FakeCluster) => void = () => {},
): Promise<FakeCluster> {
  const host = readyHost(t, pki);
  host.write("systemd/start", STARTS_AND_SERVES);
  const cluster = await FakeCluster.around(t, host, () => ({}));
  if (former === "dead") {
    Object.assign(cluster.member(0), { peerUrls: [PEER_URL], version: undefined });
    isUnhealthy(cluster, "node1");
  } else cluster.members.splice(0, 1);
  arrange(cluster);
  cluster.answer();
  host.write("answers/status-here", HERE);
  return cluster;
}

interface How {
  readonly subcommand?: "start" | "roll";
  /** Lines of shell before it. */
  readonly settings?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The first step of a host that joins, with the options changed. */
export function join(
  host: Host,
  changed: Readonly<Record<string, string>> = {},
  { subcommand = "start", settings = "", env = {} }: How = {},
): Promise<Result> {
  const options = {
    bundles: bundlesDigest(pki),
    incarnation: "1",
    "initial-state": "existing",
    "initial-cluster": [`node1=${PEER_URL}`, ...othersOf(host)].join(),
    ...changed,
  };
  return host.shell(`${settings}\ncmd_${subcommand}`, memberOptions(host, options), { stdin: UNIT, env });
}

/** The other members as etcd lists them, those that are gone for good too. */
function othersOf(host: Host): readonly string[] {
  const rows = host.read("answers/rows").split("\n");
  return rows.flatMap((row) => {
    const [, name = "", urls = ""] = row.split("|");
    return urls === "" || urls === PEER_URL || name === "node1" ? [] : [`${name}=${urls}`];
  });
}
