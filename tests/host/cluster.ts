// A cluster that answers: etcdctl prints what a real one printed, and each member has real TLS listeners on loopback.
import { once } from "node:events";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import tls from "node:tls";
import { Host, type Result } from "./host.ts";
import { VERSION } from "./mirror.ts";
import { authorities, makePki, type Pair, placePki } from "./pki.ts";

export interface FakeMember {
  name: string;
  /** Decimal, as in `-w fields`; beyond what a float or a signed number holds. */
  id: string;
  peerUrls: string[];
  clientUrl: string;
  learner: boolean;
  /** Nothing, if it does not answer. */
  version: string | undefined;
  leader: string;
  clusterId: string;
  applied: number;
}

const IDS = ["592133103447902698", "8325025528367255048", "18446744073709551615"];
const CLUSTER_ID = "14841639068965178418";

const names = { names: "IP:127.0.0.1" };
const server = authorities.client.issue("node", names);
const peer = authorities.peer.issue("node", names);
export const pki = makePki();

export class FakeCluster {
  readonly host: Host;
  readonly members: FakeMember[] = [];
  readonly declared: readonly string[];
  alarms = "";
  health: { text: string; healthy: boolean } | undefined;

  private constructor(host: Host, urls: readonly { client: string; peer: string }[]) {
    this.host = host;
    for (const [index, url] of urls.entries())
      this.members.push({
        name: `node${index + 1}`,
        id: IDS[index] ?? "",
        peerUrls: [url.peer],
        clientUrl: url.client,
        learner: false,
        version: VERSION,
        leader: IDS[2] ?? "",
        clusterId: CLUSTER_ID,
        applied: 1000 + index,
      });
    this.declared = this.members.map(
      ({ name, peerUrls, clientUrl }) => `member ${name} ${peerUrls.join()} ${clientUrl}\n`,
    );
  }

  static async create(t: TestContext, listeners: Listeners = {}): Promise<FakeCluster> {
    const host = Host.create(t);
    placePki(host, pki);
    host.write("run/etcd-host/lock", "");
    return FakeCluster.around(t, host, (index) => (index === 1 ? listeners : {}));
  }

  /** The cluster of a host that is there already, with the certificates of `pki`. */
  static async around(
    t: TestContext,
    host: Host,
    listeners: (index: number) => Listeners,
  ): Promise<FakeCluster> {
    host.write(`opt/etcd/${VERSION}/etcdctl`, ETCDCTL, 0o755);
    const urls = await Promise.all([0, 1, 2].map((index) => listen(t, listeners(index))));
    return new FakeCluster(host, urls);
  }

  member(index: number): FakeMember {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  /** Writes down what etcdctl answers from now on, or from the first `sleep` of a step. */
  answer(folder = "answers"): void {
    const { text, healthy } = this.health ?? { text: this.members.map(healthLine).join(""), healthy: true };
    this.host.write(`${folder}/health`, text);
    this.host.write(`${folder}/health-code`, healthy ? "0" : "1");
    this.host.write(`${folder}/status`, this.members.map(statusFields).join(""));
    this.host.write(`${folder}/health-here`, healthLine({ clientUrl: "https://127.0.0.1:2379" }));
    this.host.write(`${folder}/status-here`, this.members.slice(0, 1).map(statusFields).join(""));
    this.host.write(`${folder}/lock`, "etcd-host/restart/7b0\n\n");
    this.host.write(`${folder}/members`, HEADER + this.members.map(memberFields).join(""));
    this.host.write(`${folder}/alarms`, this.alarms);
    this.host.write(`${folder}/table`, '| a table \\ of "members" |\n');
  }

  /** The step as Pulumi runs it, but for how long it waits. */
  prove(deployed: unknown = {}, seconds = 0): Promise<Result> {
    const stdin = `${this.declared.join("")}deployed\n${JSON.stringify(deployed, null, 2)}\n`;
    return this.host.shell(`PROVE_SECONDS=${seconds}; cmd_prove`, PROVE_OPTIONS, { stdin });
  }
}

/** An election takes no time: what the step waits for is all in its base. */
const PROVE_OPTIONS = [`--version=${VERSION}`, "--check-id=0", "--election-timeout=1"];

const ETCDCTL = `#!/bin/sh
printf '%s\\n' "$*" >>"$HOST_ROOT/asked"
cd "$HOST_ROOT/answers" || exit
case $* in
  *'--endpoints=https://127.0.0.1:2379 endpoint health') cat health-here ;;
  *' endpoint health'*) cat health; exit "$(cat health-code)" ;;
  *'--endpoints=https://127.0.0.1:2379 endpoint status -w fields') cat status-here ;;
  *' endpoint status -w fields') cat status ;;
  *'--endpoints=https://127.0.0.1:2379 member list -w fields') [ ! -e silent-here ] || exit 1; cat members ;;
  *' member list -w fields') cat members ;;
  *' member list -w table') cat table ;;
  *' alarm list') cat alarms ;;
  *' move-leader '*) [ ! -e move-refused ] || { cat move-refused >&2; exit 1; } ;;
  *' lock '*)
    [ ! -e lock-refused ] || { cat lock-refused >&2; exit 1; }
    while [ -e lock-held ]; do /bin/sleep 0.02; done
    while [ "$1" != -- ]; do shift; done
    shift
    ETCD_LOCK_KEY=etcd-host/restart/7b0 "$@"
    echo 'lock dropped' >>"$HOST_ROOT/asked"
    ;;
  *' get etcd-host/restart/7b0 --keys-only') cat lock ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
`;

const HEADER = `"ClusterID" : ${CLUSTER_ID}\n"MemberID" : ${IDS[0]}\n"RaftTerm" : 2\n`;

function healthLine({ clientUrl }: Pick<FakeMember, "clientUrl">): string {
  return `${clientUrl} is healthy: successfully committed proposal: took = 1.27193ms\n`;
}
function memberFields({ name, id, peerUrls, clientUrl, learner }: FakeMember): string {
  const peers = peerUrls.map((url) => `"PeerURL" : "${url}"\n`).join("");
  const client = clientUrl === "" ? "" : `"ClientURL" : "${clientUrl}"\n`;
  return `"ID" : ${id}\n"Name" : "${name}"\n${peers}${client}"IsLearner" : ${learner}\n\n`;
}
function statusFields({ id, clientUrl, version, leader, learner, clusterId, applied }: FakeMember): string {
  if (version === undefined) return "";
  return (
    `"ClusterID" : ${clusterId}\n"MemberID" : ${id}\n"Revision" : 1\n"RaftTerm" : 2\n"Version" : "${version}"\n` +
    `"StorageVersion" : "3.6.0"\n"DBSize" : 20480\n"DBSizeInUse" : 16384\n"DBSizeQuota" : 2147483648\n` +
    `"Leader" : ${leader}\n"IsLearner" : ${learner}\n"RaftIndex" : ${applied}\n"RaftTerm" : 2\n` +
    `"RaftAppliedIndex" : ${applied}\n"Errors" : []\n"Endpoint" : "${clientUrl}"\n` +
    `"DowngradeTargetVersion" : ""\n"DowngradeEnabled" : false\n\n`
  );
}

/** What is unusual about the listeners of the second member. */
export interface Listeners {
  readonly clockOff?: number;
  readonly server?: Pair;
  readonly peer?: Pair;
  readonly metrics?: string;
  readonly silent?: "client" | "peer";
  /** What it answers to the question for its version. */
  readonly clusterVersion?: () => string;
}

export const METRICS = `# TYPE etcd_disk_wal_fsync_duration_seconds histogram
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 900
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 989
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.004"} 995
etcd_disk_wal_fsync_duration_seconds_bucket{le="8.192"} 1000
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 1000
etcd_network_peer_round_trip_time_seconds_bucket{To="73886e9c34638e08",le="0.0001"} 10
etcd_network_peer_round_trip_time_seconds_bucket{To="73886e9c34638e08",le="0.0002"} 20
etcd_network_peer_round_trip_time_seconds_bucket{To="73886e9c34638e08",le="+Inf"} 20
etcd_network_peer_round_trip_time_seconds_bucket{To="ffffffffffffffff",le="0.0001"} 20
etcd_network_peer_round_trip_time_seconds_bucket{To="ffffffffffffffff",le="0.0002"} 20
etcd_network_peer_round_trip_time_seconds_bucket{To="ffffffffffffffff",le="+Inf"} 20
`;

/** Both listeners as etcd has them: a client certificate of their own CA is required. */
async function listen(t: TestContext, unusual: Listeners): Promise<{ client: string; peer: string }> {
  const secured = (pair: Pair, ca: string) => ({
    cert: pair.certificate,
    key: pair.key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const client = https.createServer(
    secured(unusual.server ?? server, authorities.client.certificate),
    (request, response) => {
      response.setHeader("Date", new Date(Date.now() + (unusual.clockOff ?? 0) * 1000).toUTCString());
      const version = `{"etcdserver":"${VERSION}","etcdcluster":"${unusual.clusterVersion?.() ?? "3.6.0"}"}`;
      response.end(request.url === "/version" ? version : (unusual.metrics ?? METRICS));
    },
  );
  const peers = tls.createServer(secured(unusual.peer ?? peer, authorities.peer.certificate));
  peers.on("tlsClientError", () => {}); // an operator's certificate is none of a peer's
  const url = async (listener: tls.Server, silent: boolean) => {
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = addressOf(listener);
    if (silent) listener.close();
    else t.after(() => listener.close());
    return `https://127.0.0.1:${port}`;
  };
  return {
    client: await url(client, unusual.silent === "client"),
    peer: await url(peers, unusual.silent === "peer"),
  };
}

function addressOf(listener: tls.Server): AddressInfo {
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return address;
}
