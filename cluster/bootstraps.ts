/** What members are told at their first start. */

import { hostPort } from "../config/address.ts";
import type { ClusterConfig, NodeConfig } from "../config/model.ts";
import { PEER_PORT } from "../etcd/ports.ts";
import type { Deployed, DeployedNode } from "./deployed.ts";

/** How a member's first start finds its cluster; later starts read it from the data directory. */
export type Bootstraps = ReadonlyMap<string, Pick<DeployedNode, "initialState" | "initialCluster">>;

export function bootstrapAll(nodes: readonly NodeConfig[]): Bootstraps {
  const initialCluster = formatCluster(new Map(nodes.map((node) => [node.name, node.address])));
  return new Map(nodes.map((node) => [node.name, { initialState: "new", initialCluster }]));
}

/**
 * Fixed per incarnation: a deployed member keeps what it was started with, so that a change elsewhere does not touch
 * it. A joining one is told the members that will be present at its turn, since etcd compares them with its own list:
 * those that joined before it, and those that are only removed after the rollout.
 */
export function joinOrKeep(
  config: ClusterConfig,
  rollout: readonly string[],
  deployed: Deployed,
): Bootstraps {
  const present = new Map(Object.entries(deployed.nodes).map(([name, { address }]) => [name, address]));
  for (const node of config.nodes) if (node.lost) present.delete(node.name);
  const bootstraps = new Map<string, Pick<DeployedNode, "initialState" | "initialCluster">>();
  for (const name of rollout) {
    const node = config.nodes.find((one) => one.name === name);
    if (node === undefined) continue;
    present.set(name, node.address);
    const before = deployed.nodes[name];
    bootstraps.set(
      name,
      before?.incarnation === node.incarnation
        ? { initialState: before.initialState, initialCluster: before.initialCluster }
        : { initialState: "existing", initialCluster: formatCluster(present) },
    );
  }
  return bootstraps;
}

function formatCluster(addresses: ReadonlyMap<string, string>): string {
  return [...addresses].map(([name, address]) => `${name}=${httpsUrl(address, PEER_PORT)}`).join(",");
}

export function httpsUrl(address: string, port: number): string {
  return `https://${hostPort(address, port)}`;
}
