/** Clusters to plan for: `node1` at 10.0.0.1 and so on, and what a healthy run leaves of them. */

import { FORM } from "../../cluster/deployed.ts";
import { computeTopology, type Deployed, type Topology } from "../../cluster/topology.ts";
import { config } from "./configuration.ts";

export interface DeclaredNode {
  readonly name: string;
  readonly address: string;
  readonly listenAddress?: string;
  readonly hostKey?: string;
  readonly incarnation?: number;
  readonly lost?: boolean;
}

export function nodes(
  count: number,
  changes: Readonly<Record<string, Partial<DeclaredNode>>> = {},
): readonly DeclaredNode[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `node${index + 1}`;
    return { name, address: `10.0.0.${index + 1}`, ...changes[name] };
  });
}

/** A cluster of founders. */
export function deployed(count: number): Deployed {
  const declared = nodes(count);
  const initialCluster = declared.map(({ name, address }) => `${name}=https://${address}:2380`).join(",");
  return {
    form: FORM,
    version: "3.6.14",
    token: "etcd-cluster-1-0123abcd",
    dataDir: "/var/lib/etcd",
    adminHost: "node1",
    nodes: Object.fromEntries(
      declared.map(({ name, address }) => [
        name,
        { address, incarnation: 1, initialState: "new", initialCluster },
      ]),
    ),
    former: {},
  };
}

/** The topology of something that is right; says why if it is not. */
export function plan(
  declared: readonly DeclaredNode[],
  before?: Deployed,
  settings: Readonly<Record<string, unknown>> = {},
): Topology {
  const { topology, problems } = computeTopology(config({ nodes: declared, ...settings }), before);
  if (topology === undefined) throw new Error(problems.join("\n"));
  return topology;
}
