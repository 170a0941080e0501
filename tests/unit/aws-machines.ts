/** A cluster on EC2 that has been proven, and the machines that run then. */

import type { RunningMachine } from "../../cluster/made-from.ts";
import { computeTopology, type Deployed, deployedAfter } from "../../cluster/topology.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { type Changes, readAws } from "./aws-configuration.ts";

export function onAws(aws: Changes = {}, others: Changes = {}): ClusterConfig {
  const { config, problems } = readAws(aws, others);
  if (config === undefined) throw new Error(problems.join("\n"));
  return config;
}

/** Of AWS's own: where the configuration names none, or another one. */
export const awsKey = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-0000000000eb";
export const declared = onAws();
export const proven = provenAs(declared);
/** What runs if nothing has happened since the last proof. */
export const running = new Map(
  Object.entries(proven.nodes).map(([name, { instance, machine }]) => [name, machineLike(instance, machine)]),
);

/** As AWS describes an instance of `declared`. */
export function machineLike(id = "", madeFrom = "", more: Partial<RunningMachine> = {}): RunningMachine {
  const { ami = "", instanceType = "" } = declared.aws ?? {};
  return { id, madeFrom, ami, instanceType, kmsKeyId: awsKey, instanceProfile: "", hasVolume: true, ...more };
}

/** What a run of the configuration leaves once it has been proven. */
export function provenAs(config: ClusterConfig): Deployed {
  const { topology, problems } = computeTopology(config);
  if (topology === undefined) throw new Error(problems.join("\n"));
  const deployed = deployedAfter(config, topology, "etcd-cluster-1-0123abcd");
  const nodes = Object.entries(deployed.nodes).map(([name, node]) => [
    name,
    { ...node, instance: `i-${name}` },
  ]);
  return { ...deployed, nodes: Object.fromEntries(nodes) };
}
