/** Who the members are, how they reach each other and in which order they change: plain arithmetic. */

import { parseAddress } from "../config/address.ts";
import type { ClusterConfig, NodeConfig } from "../config/model.ts";
import { CLIENT_PORT, PEER_PORT } from "../etcd/ports.ts";
import { quorum } from "../etcd/quorum.ts";
import { accessOf } from "./access.ts";
import { type Bootstraps, bootstrapAll, httpsUrl, joinOrKeep } from "./bootstraps.ts";
import { type Changes, changesOf, checkBootstrap, checkChanges } from "./changes.ts";
import { type Deployed, type DeployedNode, FORM } from "./deployed.ts";
import { type Revoked, refuseNewKeys, refuseReusedIssues, refuseRevocation, revokedBy } from "./issued.ts";
import { loginOf } from "./login.ts";
import { type DeclaredMachine, type Machines, machineOf } from "./machines.ts";
import type { RunningMachine } from "./made-from.ts";
import { type Restore, restoredAfter, restoreOf } from "./restore.ts";

export { type Deployed, type DeployedNode, parseDeployed } from "./deployed.ts";

export interface TopologyMember extends DeclaredMachine {
  readonly name: string;
  readonly address: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
  readonly listenPeerUrl: string;
  readonly listenClientUrls: readonly string[];
  readonly incarnation: number;
  /** Of the keys of its own certificates. */
  readonly issue: number;
  readonly initialState: "new" | "existing";
  /** `n1=https://…:2380,n2=…` */
  readonly initialCluster: string;
  /** Where this incarnation was before, oldest first. */
  readonly formerAddresses: readonly string[];
  readonly names: CertificateNames;
  /** Those of its server certificate, which clients check. */
  readonly serverNames: CertificateNames;
}

/** In a certificate: sorted and without duplicates, since another order would be another certificate. */
export interface CertificateNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

export interface Topology {
  /** In declared order, without lost ones. */
  readonly members: readonly TopologyMember[];
  readonly lost: readonly string[];
  /** Whether a run has ended with a healthy cluster: until then, all founders start together. */
  readonly proven: boolean;
  /** Names of those whose machines are replaced, each in its turn. */
  readonly rebuilt: readonly string[];
  /** Names in the order of the rollout. */
  readonly rollout: readonly string[];
  /** The first of them: members to repair before the cluster is checked. */
  readonly repairs: readonly string[];
  /** Where the configuration has a snapshot that the cluster is, or was, restored from. */
  readonly restore?: Restore;
  readonly adminHost: string;
  /** Another member like the admin host, if there is one. */
  readonly deputy?: string;
  readonly quorum: number;
  readonly endpoints: readonly string[];
  /** The certificates that members refuse; absent where nothing is revoked by this program. */
  readonly revoked?: readonly Revoked[];
}

export interface CheckedTopology {
  /** Only if there are no problems. */
  readonly topology?: Topology;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * `deployed` is what the last healthy run left; without it the cluster is bootstrapped. `machines` are those that run now,
 * where the program creates them.
 */
export function computeTopology(
  config: ClusterConfig,
  deployed?: Deployed,
  machines: Machines = new Map(),
): CheckedTopology {
  const nodes = config.nodes.filter((node) => !node.lost);
  const changes = deployed === undefined ? undefined : changesOf(config, deployed, machines);
  const { warnings, ...found } =
    deployed === undefined || changes === undefined
      ? checkBootstrap(config, machines)
      : checkChanges(config, deployed, changes, machines);
  const problems = [
    ...found.problems,
    ...refuseReusedIssues(config, deployed?.issued),
    ...refuseRevocation(config, deployed !== undefined, deployed?.issued),
    ...refuseNewKeys(config, deployed?.issued, changes?.rebuilt ?? []),
  ];
  if (problems.length > 0) return { problems, warnings };

  // of a cluster that is restored no member comes before all have been stopped
  const restore = restoreOf(config, deployed);
  const repairs = restore?.isPending ? [] : repairsOf(nodes, changes);
  const rollout = orderRollout(nodes, [...repairs, ...config.rolloutOrder], changes);
  const bootstraps =
    deployed === undefined || restore?.isPending
      ? bootstrapAll(nodes)
      : joinOrKeep(config, rollout, deployed);
  const members = nodes.map((node) =>
    memberOf(node, config, bootstraps, {
      running: machines.get(node.name),
      before: deployed?.nodes[node.name],
    }),
  );
  const [adminHost = "", deputy] = chooseAdminHosts(nodes, deployed, changes);
  const revoked = revokedBy(config, deployed?.issued);
  const topology: Topology = {
    members,
    lost: config.nodes.filter((node) => node.lost).map((node) => node.name),
    proven: deployed !== undefined,
    rebuilt: changes?.rebuilt ?? [],
    rollout,
    repairs,
    adminHost,
    ...(deputy === undefined ? {} : { deputy }),
    ...(restore === undefined ? {} : { restore }),
    quorum: quorum(members.length),
    endpoints: members.map((member) => member.clientUrl),
    ...(revoked === undefined ? {} : { revoked }),
  };
  return { topology, problems, warnings };
}

/** The record for a cluster that has been proven healthy as a whole. */
export function deployedAfter(
  config: ClusterConfig,
  topology: Topology,
  token: string,
  previous?: Deployed,
): Deployed {
  const nodes = topology.members.map(
    ({ name, address, incarnation, initialState, initialCluster, formerAddresses, machine, zone }) => {
      const former = formerAddresses.length === 0 ? {} : { formerAddresses };
      const made = machine === undefined || zone === undefined ? {} : { machine, zone };
      const node = config.nodes.find((one) => one.name === name);
      const login = node === undefined ? {} : { login: loginOf(node, config, previous?.nodes[name]?.login) };
      return [
        name,
        { address, incarnation, initialState, initialCluster, ...former, ...made, ...login },
      ] as const;
    },
  );
  const access = accessOf(config);
  const restore = restoredAfter(config, previous);
  return {
    form: FORM,
    version: config.release.version,
    token,
    dataDir: config.dataDir,
    adminHost: topology.adminHost,
    ...(topology.deputy === undefined || config.aws === undefined ? {} : { deputy: topology.deputy }),
    nodes: Object.fromEntries(nodes),
    former: formerAfter(topology, previous),
    ...(access === undefined ? {} : { rbac: access }),
    ...(restore === undefined ? {} : { restore }),
  };
}

/** Those that were members before, and are none now. */
function formerAfter({ members, lost }: Topology, previous: Deployed | undefined): Deployed["former"] {
  const removed = Object.entries(previous?.nodes ?? {}).map(
    ([name, { incarnation }]) => [name, { incarnation, lost: lost.includes(name) }] as const,
  );
  const all = [...Object.entries(previous?.former ?? {}), ...removed];
  const gone = all.filter(([name]) => !members.some((member) => member.name === name));
  return Object.fromEntries(gone.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function memberOf(
  node: NodeConfig,
  config: ClusterConfig,
  bootstraps: Bootstraps,
  { running, before }: { running: RunningMachine | undefined; before: DeployedNode | undefined },
): TopologyMember {
  const { name, address, listenAddress, incarnation, issue } = node;
  const bootstrap = bootstraps.get(name);
  if (bootstrap === undefined) throw new Error(`${name} is not in the rollout`);
  const formerAddresses = formerAddressesOf(node, before);
  const listensEverywhere = listenAddress === "0.0.0.0" || listenAddress === "::";
  const local = httpsUrl("127.0.0.1", CLIENT_PORT);
  const shared = config.aws?.clientName === undefined ? [] : [config.aws.clientName];
  const own = [address, ...formerAddresses, ...shared];
  return {
    name,
    address,
    peerUrl: httpsUrl(address, PEER_PORT),
    clientUrl: httpsUrl(address, CLIENT_PORT),
    listenPeerUrl: httpsUrl(listenAddress, PEER_PORT),
    listenClientUrls: [httpsUrl(listenAddress, CLIENT_PORT), ...(listensEverywhere ? [] : [local])],
    incarnation,
    issue,
    ...bootstrap,
    formerAddresses,
    names: subjectAltNames(name, own),
    serverNames: subjectAltNames(name, [...own, ...config.names]),
    ...machineOf(node, config, { running, recorded: before?.machine }),
  };
}

/** While a member moves, the others know it by either address; a new incarnation has no former address. */
function formerAddressesOf(node: NodeConfig, before: DeployedNode | undefined): readonly string[] {
  if (before === undefined || before.incarnation !== node.incarnation) return [];
  const former = [...(before.formerAddresses ?? []), before.address];
  return [...new Set(former)].filter((address) => address !== node.address);
}

function subjectAltNames(name: string, addresses: readonly string[]): CertificateNames {
  const isDns = (address: string) => {
    const parsed = parseAddress(address);
    return "kind" in parsed && parsed.kind === "dns";
  };
  return {
    dnsNames: sorted(["localhost", name, ...addresses.filter(isDns)]),
    ipAddresses: sorted(["127.0.0.1", ...addresses.filter((address) => !isDns(address))]),
  };
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

/**
 * Members whose machine is gone or was never proven, and that keep their data: until they are back no other is touched,
 * nor is the cluster checked.
 */
function repairsOf(nodes: readonly NodeConfig[], changes?: Changes): readonly string[] {
  const names = nodes.map((node) => node.name);
  return names.filter((name) => changes?.unproven.includes(name) && !changes.replaced.includes(name));
}

/**
 * Replacements first: they bring the cluster back to full strength before anything that works is touched. Then the
 * members that stay, then additions. Names of `wanted` come before all others.
 */
function orderRollout(
  nodes: readonly NodeConfig[],
  wanted: readonly string[],
  changes?: Changes,
): readonly string[] {
  const names = nodes.map((node) => node.name);
  const replaced = names.filter((name) => changes?.replaced.includes(name));
  const added = names.filter((name) => changes?.added.includes(name));
  const present = names.filter((name) => !added.includes(name));
  const first = wanted.filter((name) => names.includes(name));
  return [...new Set([...first, ...replaced, ...present, ...added])];
}

/**
 * Two members with their data on proven machines, and the same two for as long as that holds, so that the steps they
 * run for others do not move from host to host. If there are fewer, other members fill up.
 */
function chooseAdminHosts(
  nodes: readonly NodeConfig[],
  deployed?: Deployed,
  changes?: Changes,
): readonly string[] {
  const names = nodes.map((node) => node.name);
  const fresh = [...(changes?.replaced ?? []), ...(changes?.added ?? []), ...(changes?.unproven ?? [])];
  const eligible = names.filter((name) => !fresh.includes(name));
  const kept = [deployed?.adminHost, deployed?.deputy].flatMap((name) =>
    eligible.filter((one) => one === name),
  );
  return [...new Set([...kept, ...eligible, ...names])].slice(0, 2);
}
