/** Which machines the program creates, and which of them it will replace. */

import type { ClusterConfig, NodeConfig } from "../config/model.ts";
import { quorum } from "../etcd/quorum.ts";
import { renderUserData } from "../host/user-data.ts";
import type { Deployed } from "./deployed.ts";
import { digestOf } from "./digest.ts";
import { subnetOf } from "./subnets.ts";

/**
 * Digest of everything whose change replaces the instance. All of it is plain, so that a preview knows which ones are
 * replaced, and in which order. Empty for given machines.
 */
export function machineOf(
  node: NodeConfig,
  { aws, ssh }: Pick<ClusterConfig, "aws" | "ssh">,
): { machine?: string; zone?: string } {
  if (aws === undefined) return {};
  const firstBoot = renderUserData({
    hostname: node.name,
    user: ssh.user,
    authorizedKeys: aws.authorizedKeys,
    hostKey: { privateKey: "", publicKey: "" },
  });
  const subnet = subnetOf(node.address, aws.subnets);
  const parts = [aws.ami, aws.instanceType, aws.kmsKeyId ?? "", JSON.stringify(subnet), firstBoot];
  return { machine: digestOf(parts), zone: subnet.zone };
}

/** The machines that run now, by node. */
export type Machines = ReadonlyMap<string, RunningMachine>;

export interface RunningMachine {
  readonly id: string;
  /** Digest of what it was created from. */
  readonly madeFrom: string;
}

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
      return isProven && running !== undefined && running.madeFrom !== machineOf(node, config).machine;
    })
    .map((node) => node.name);
}

/** Names of members whose machine is gone, or was created by a run that failed: it may be broken, or empty. */
export function unprovenNodes(deployed: Deployed, machines: Machines): readonly string[] {
  return Object.entries(deployed.nodes)
    .filter(([name, { instance }]) => instance !== undefined && machines.get(name)?.id !== instance)
    .map(([name]) => name);
}

/** Where the machines in AWS are not the proven ones: Pulumi may not know. */
export function warnOfMachines({ nodes }: ClusterConfig, deployed: Deployed, machines: Machines): string[] {
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
