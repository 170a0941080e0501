// A cluster that answers: etcdctl prints what a real one printed, and each member has real TLS listeners on loopback.
import { once } from "node:events";
import fs from "node:fs";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import path from "node:path";
import type { TestContext } from "node:test";
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

const IDS = ["592133103447902698", "8325025528367255048", "18446744073709551615", "44", "55"];
const CLUSTER_ID = "14841639068965178418";

const names = { names: "IP:127.0.0.1" };
const server = authorities.client.issue("node", names);
const peer = authorities.peer.issue("node", names);
export const pki = makePki();

export class FakeCluster {
  readonly host: Host;
  readonly members: FakeMember[] = [];
  /** The lines that a step of the cluster is told. */
  readonly declared: string[];
  /** The incarnation of each name, as the cluster keeps it. */
  recorded: Record<string, number> = { node1: 1, node2: 1, node3: 1 };
  /** What each name was last told, as the cluster keeps it. */
  told: Record<string, string> = {};
  /** Where it was told to expect a learner of this stack. */
  joining: readonly string[] = [];
  alarms = "";
  /** Of members that store something else than the others: "NAME HASH" each. */
  hashes = "";
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
        applied: 1000,
      });
    this.declared = this.members.map(
      ({ name, peerUrls, clientUrl }) => `member ${name} ${peerUrls.join()} ${clientUrl} 1\n`,
    );
  }

  static async create(
    t: TestContext,
    listeners: Listeners | ((index: number) => Listeners) = {},
    count = 3,
  ): Promise<FakeCluster> {
    const host = Host.create(t);
    placePki(host, pki);
    host.write("run/etcd-host/lock", "");
    const each =
      typeof listeners === "function" ? listeners : (index: number) => (index === 1 ? listeners : {});
    return FakeCluster.around(t, host, each, count);
  }

  /** The cluster of a host that is there already, with the certificates of `pki`. */
  static async around(
    t: TestContext,
    host: Host,
    listeners: (index: number) => Listeners,
    count = 3,
  ): Promise<FakeCluster> {
    host.binary("etcdctl", fs.readFileSync(ETCDCTL));
    const rows = () => (host.exists("answers/rows") ? host.read("answers/rows") : "");
    const urls = await Promise.all(
      Array.from({ length: count }, (_, index) => listen(t, listeners(index), rows)),
    );
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
    this.host.write(`${folder}/header`, HEADER);
    this.host.write(`${folder}/rows`, this.members.map(memberRow).join(""));
    const recorded = Object.entries(this.recorded).map(([name, n]) => `etcd-host/members/${name} ${n}\n`);
    const told = Object.entries(this.told).map(([name, digest]) => `etcd-host/steps/${name} ${digest}\n`);
    const joining = this.joining.map((url) => `etcd-host/joining/${url} ${url}\n`);
    this.host.write(`${folder}/keys`, [...recorded, ...told, ...joining].join(""));
    this.host.write(`${folder}/alarms`, this.alarms);
    this.host.write(`${folder}/hashes`, this.hashes);
    this.host.write(`${folder}/table`, '| a table \\ of "members" |\n');
  }

  /** The step as Pulumi runs it, but for how long it waits. */
  prove(deployed: unknown = {}, seconds = 0): Promise<Result> {
    const stdin = `${this.declared.join("")}deployed\n${JSON.stringify(deployed, null, 2)}\n`;
    return this.host.shell(`PROVE_SECONDS=${seconds}; cmd_prove`, PROVE_OPTIONS, { stdin });
  }
}

/** What the step proves: one marked line, whatever stands on the others. */
export function proofIn(stdout: string) {
  const [line = ""] = stdout.split("\n").filter((text) => text.startsWith("== proof of etcd-host: "));
  return JSON.parse(line.slice("== proof of etcd-host: ".length));
}

/** What etcd was asked to change, in order, without the questions, and without the record of what members are told. */
export function changesAsked(host: Host, file = "asked"): string[] {
  if (!host.exists(file)) return [];
  const calls = host.read(file).trim().split("\n");
  return calls.flatMap((call) => CHANGE.exec(call)?.[0].trim() ?? []);
}
const CHANGE =
  /( member (add|remove|promote|update) .*| (move-leader|(put|del)(?! etcd-host\/steps\/)|txn|downgrade|snapshot|defrag|compaction|alarm disarm|lease grant)( .*|$)| lock |lock dropped)/;
const ETCDCTL = path.join(import.meta.dirname, "fakes/etcdctl");

/** An election takes no time: what the step waits for is all in its base. */
export const PROVE_OPTIONS = [`--version=${VERSION}`, "--check-id=0", "--election-timeout=1"];

const HEADER = `"ClusterID" : ${CLUSTER_ID}\n"MemberID" : ${IDS[0]}\n"RaftTerm" : 2\n`;

function healthLine({ clientUrl }: Pick<FakeMember, "clientUrl">): string {
  return `${clientUrl} is healthy: successfully committed proposal: took = 1.27193ms\n`;
}
/** As the fake etcdctl keeps it: id|name|peer URLs|client URL|learner. */
function memberRow({ id, name, peerUrls, clientUrl, learner }: FakeMember): string {
  return `${[id, name, peerUrls.join(), clientUrl, learner].join("|")}\n`;
}
function statusFields(member: FakeMember): string {
  const { id, clientUrl, version, leader, learner, clusterId, applied } = member;
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
  readonly silent?: "client" | "peer" | "both";
  /** It accepts connections, and says nothing. */
  readonly frozen?: true;
  /** Its client port is that of a member without a quorum: it accepts connections, and says nothing. */
  readonly waiting?: true;
  /** How many times its peer port does not answer yet, although it listens. */
  readonly late?: number;
  /** Whether it closes each connection of a client as soon as it is asked something. */
  readonly refuses?: () => boolean;
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
async function listen(
  t: TestContext,
  unusual: Listeners,
  rows: () => string,
): Promise<{ client: string; peer: string }> {
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
      if (unusual.refuses?.()) {
        request.socket.destroy();
        return;
      }
      response.setHeader("Date", new Date(Date.now() + (unusual.clockOff ?? 0) * 1000).toUTCString());
      const version = `{"etcdserver":"${VERSION}","etcdcluster":"${unusual.clusterVersion?.() ?? "3.6.0"}"}`;
      response.end(request.url === "/version" ? version : (unusual.metrics ?? METRICS));
    },
  );
  let late = unusual.late ?? 0;
  const peers = https.createServer(
    secured(unusual.peer ?? peer, authorities.peer.certificate),
    (request, response) => {
      late--;
      if (late >= 0) request.socket.destroy();
      else response.end(request.url === "/members" ? membersJson(rows()) : "");
    },
  );
  peers.on("tlsClientError", () => {}); // an operator's certificate is none of a peer's
  const frozen = () => net.createServer();
  const url = async (listener: net.Server, silent: boolean) => {
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = addressOf(listener);
    if (silent) listener.close();
    else t.after(() => listener.close());
    return `https://127.0.0.1:${port}`;
  };
  return {
    client: await url(
      unusual.frozen || unusual.waiting ? frozen() : client,
      unusual.silent === "client" || unusual.silent === "both",
    ),
    peer: await url(
      unusual.frozen ? frozen() : peers,
      unusual.silent === "peer" || unusual.silent === "both",
    ),
  };
}

/** What a peer tells of the members, with ids that are no numbers of JavaScript. */
function membersJson(rows: string): string {
  const members = rows
    .trim()
    .split("\n")
    .filter((row) => row !== "")
    .map((row) => {
      const [id = "", name = "", peerUrls = "", clientUrl = "", learner = ""] = row.split("|");
      const urls = (key: string, list: string) =>
        list === "" ? "" : `,"${key}":${JSON.stringify(list.split(","))}`;
      const named = name === "" ? "" : `,"name":"${name}"`;
      const isLearner = learner === "true" ? ',"isLearner":true' : "";
      return `{"id":${id}${urls("peerURLs", peerUrls)}${isLearner}${named}${urls("clientURLs", clientUrl)}}`;
    });
  return `[${members.join()}]\n`;
}

function addressOf(listener: net.Server): AddressInfo {
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return address;
}
