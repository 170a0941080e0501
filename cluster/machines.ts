/** Which machines the program creates, and which of them it will replace. */

import type { ClusterConfig, NodeConfig } from "../config/model.ts";
import { quorum } from "../etcd/quorum.ts";
import type { Deployed } from "./deployed.ts";
import { isMadeFrom, madeFrom, type RunningMachine } from "./made-from.ts";
import { subnetOf } from "./subnets.ts";

/** What is known of a node's machine before this run. */
export interface KnownMachine {
  readonly running?: RunningMachine | undefined;
  /** Digest that the last proof recorded. */
  readonly recorded?: string | undefined;
}

/** What is declared of a node's machine; empty for given machines. */
export interface DeclaredMachine {
  /** Its digest: the one that it was given, if that is still what is declared. */
  readonly machine?: string;
  readonly zone?: string;
  /** Whether it runs: its first boot is over, and what it was told then stays. */
  readonly isSettled?: boolean;
  /** Its id, if it has its volume besides, which it gets once its host key is exchanged. */
  readonly exchanged?: string;
}

export function machineOf(
  node: NodeConfig,
  { aws, ssh }: Pick<ClusterConfig, "aws" | "ssh">,
  { running, recorded }: KnownMachine = {},
): DeclaredMachine {
  if (aws === undefined) return {};
  const config = { aws, ssh };
  const given = [running?.madeFrom, recorded].flatMap((digest) => digest || []);
  const machine = given.find((digest) => isMadeFrom(digest, node, config, running)) ?? madeFrom(node, config);
  const { zone } = subnetOf(node.address, aws.subnets);
  const isSettled = machine === running?.madeFrom;
  const exchanged = isSettled && running?.hasVolume === true ? { exchanged: running.id } : {};
  return { machine, zone, isSettled, ...exchanged };
}

/** The machines that run now, by node. */
export type Machines = ReadonlyMap<string, RunningMachine>;

/** Ids of the machines that were proven, by node. */
export function recordedMachines(deployed: Deployed | undefined): ReadonlyMap<string, string> {
  const nodes = Object.entries(deployed?.nodes ?? {});
  return new Map(nodes.flatMap(([name, { instance }]) => (instance === undefined ? [] : [[name, instance]])));
}

/** Names of proven members whose machine runs and will be replaced. One that is gone or stopped has nothing left to wait for. */
export function rebuiltNodes(
  config: ClusterConfig,
  deployed: Deployed,
  machines: Machines,
): readonly string[] {
  return config.nodes
    .filter((node) => {
      const running = machines.get(node.name);
      const isProven = deployed.nodes[node.name] !== undefined;
      return isProven && running !== undefined && !machineOf(node, config, { running }).isSettled;
    })
    .map((node) => node.name);
}

/** Names of members whose machine is gone, or was created by a run that failed: it may be broken, or empty. */
export function unprovenNodes(deployed: Deployed, machines: Machines): readonly string[] {
  return Object.entries(deployed.nodes)
    .filter(([name, { instance }]) => instance !== undefined && machines.get(name)?.id !== instance)
    .map(([name]) => name);
}

/**
 * Who may log in is told to an instance at its first boot. Without the setting it would be whoever runs the program, so
 * only instances that stay can do without it.
 */
export function refuseMissingKeys(config: ClusterConfig, machines: Machines): string[] {
  if (config.aws === undefined || config.aws.authorizedKeys.length > 0) return [];
  const made = config.nodes.filter(
    (node) => !machineOf(node, config, { running: machines.get(node.name) }).isSettled,
  );
  if (made.length === 0) return [];
  const names = made.map(({ name }) => name).join(", ");
  return [
    `aws.authorizedKeys: is missing; list the public keys that may log in by ssh, as ~/.ssh/id_ed25519.pub has one, since no instance of ${names} runs as declared: start it if it is stopped; otherwise one is created (the keys of one that runs are in ~${config.ssh.user}/.ssh/authorized_keys there).`,
  ];
}

function warnOfMissingKeys({ aws }: ClusterConfig): string[] {
  if (aws === undefined || aws.authorizedKeys.length > 0) return [];
  return [
    "aws.authorizedKeys: is missing, so the instances stay as they are, and none can be created; list the keys that may log in to them.",
  ];
}

/** The provider of AWS takes no profile away from an instance that runs. */
function warnOfProfiles({ aws, nodes }: ClusterConfig, machines: Machines): string[] {
  if (aws === undefined || aws.sessionManager || aws.instanceProfile !== undefined) return [];
  return nodes.flatMap(({ name }, index) => {
    const { id = "", instanceProfile = "" } = machines.get(name) ?? {};
    if (instanceProfile === "") return [];
    return [
      `nodes[${index}]: ${name} keeps the instance profile ${instanceProfile}, which is no longer declared, until its instance is replaced; to take it away now, see docs/aws.md (${id}).`,
    ];
  });
}

/** Where the machines in AWS are not the proven ones, or not quite what is declared: Pulumi may not know. */
export function warnOfMachines(config: ClusterConfig, deployed: Deployed, machines: Machines): string[] {
  return [
    ...warnOfMissingKeys(config),
    ...warnOfProfiles(config, machines),
    ...warnOfUnproven(config, deployed, machines),
  ];
}

function warnOfUnproven({ nodes }: ClusterConfig, deployed: Deployed, machines: Machines): string[] {
  return nodes.flatMap((node, index) => {
    const proven = deployed.nodes[node.name]?.instance;
    const running = machines.get(node.name);
    if (proven === undefined || running?.id === proven) return [];
    const what =
      running === undefined
        ? `no instance of ${node.name} runs in AWS; start it if it is stopped, or, if it is gone, run pulumi up --refresh to create another one.`
        : `${node.name} runs on ${running.id}, which a failed run created; if AWS now says InvalidNetworkInterface.InUse, Pulumi does not know that instance: docs/aws.md says what to do.`;
    return [`nodes[${index}]: ${what}`];
  });
}

/**
 * A machine that does not run is made again at once, without a proof. If most do not run, more likely they are not found:
 * then all of them would be replaced together.
 */
export function refuseUnfoundMachines(
  { allow }: Pick<ClusterConfig, "allow">,
  deployed: Deployed,
  machines: Machines,
): string[] {
  const made = Object.entries(deployed.nodes).filter(([, { machine }]) => machine !== undefined);
  const missing = made.filter(([name]) => !machines.has(name)).map(([name]) => name);
  if (made.length < 2 || missing.length < quorum(made.length) || allow.includes("gone-instances")) return [];
  return [
    `AWS shows no running instance of ${missing.join(", ")}, which are a majority of ${made.length} members; correct the account and region, start the instances that are stopped, or, if they are gone, run pulumi up --refresh once with allow: [gone-instances], which makes them all again at the same time.`,
  ];
}

/** A member's address is that of its network interface, and its data is on a volume: neither can move to another target. */
export function refuseMachineChanges(config: ClusterConfig, deployed: Deployed): string[] {
  const target = Object.values(deployed.nodes).some((node) => node.machine !== undefined) ? "aws" : "ssh";
  if (target !== config.target) {
    return [
      `target: the cluster was bootstrapped on machines of target ${target} and stays there; change it back, or create the other cluster in a separate stack.`,
    ];
  }
  if (target === "ssh") return [];
  return config.nodes.flatMap((node, index) => {
    const before = deployed.nodes[node.name];
    if (before === undefined) return [];
    const { zone } = machineOf(node, config);
    if (before.zone !== zone) {
      return [
        `aws.subnets: ${node.name} would move from ${before.zone} to ${zone}, but its data volume cannot; change the zone back, or replace it with a node of another name there.`,
      ];
    }
    if (node.address === before.address) return [];
    return [
      `nodes[${index}].address: ${node.name} is at ${before.address}, and a node on EC2 keeps its address; change it back, or replace it with a node of another name there.`,
    ];
  });
}
