/** Which machines the program makes, and which of them are to be replaced by others. */

import { subnetOf } from "../config/aws.ts";
import type { ClusterConfig, NodeConfig } from "../config.ts";
import { renderUserData } from "../host/user-data.ts";
import type { Deployed } from "./deployed.ts";
import { digestOf } from "./digest.ts";

/**
 * Digest of what makes an instance another one. All of it is plain, so that a preview knows who is to be replaced, and
 * in which order. Nothing on machines that are given.
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

/** What machines that run now were made from, by node. */
export type Machines = ReadonlyMap<string, string>;

/**
 * Names of proven members whose machine is to be replaced. What runs counts, also where a run failed before it was
 * proven; what was proven counts only for a machine that is not there.
 */
export function rebuiltNodes(
  config: ClusterConfig,
  deployed: Deployed,
  machines: Machines = new Map(),
): readonly string[] {
  return config.nodes
    .filter((node) => {
      const before = deployed.nodes[node.name];
      const madeFrom = machines.get(node.name) ?? before?.machine;
      return before !== undefined && madeFrom !== machineOf(node, config).machine;
    })
    .map((node) => node.name);
}

/** Names of members that run on another machine than the proven one: a run that failed may have left it broken. */
export function unprovenNodes(deployed: Deployed, machines: Machines): readonly string[] {
  return [...machines]
    .filter(
      ([name, madeFrom]) => deployed.nodes[name] !== undefined && deployed.nodes[name]?.machine !== madeFrom,
    )
    .map(([name]) => name);
}

/** A member's address is that of its network interface, and its data is on a volume: neither goes to another target. */
export function refuseMachineChanges(config: ClusterConfig, deployed: Deployed): string[] {
  const target = Object.values(deployed.nodes).some((node) => node.machine !== undefined) ? "aws" : "ssh";
  if (target !== config.target) {
    return [
      `target: the cluster was founded on machines of target ${target} and stays there; put it back, or make the other cluster in a stack of its own.`,
    ];
  }
  if (target === "ssh") return [];
  return config.nodes.flatMap((node, index) => {
    const before = deployed.nodes[node.name];
    if (before === undefined) return [];
    const { zone } = machineOf(node, config);
    if (before.zone !== zone) {
      return [
        `aws.subnets: ${node.name} would go from ${before.zone} to ${zone}, and its data volume stays where it is; put the zone back, or add a node with another name there.`,
      ];
    }
    if (node.address === before.address) return [];
    return [
      `nodes[${index}].address: ${node.name} is at ${before.address}, and a node on EC2 keeps its address; add one with another name there, and remove ${node.name} in a later up.`,
    ];
  });
}
