import * as pulumi from "@pulumi/pulumi";
import { type ClusterConfig, refusal } from "./config.ts";
import { judgeAuthorities } from "./topology/authorities.ts";
import type { Machines } from "./topology/machines.ts";
import { type Deployed, planTopology, type Topology } from "./topology.ts";

/** The topology, or one error that names everything that stands against it; warnings are shown either way. */
export function planOrRefuse(
  config: ClusterConfig,
  deployed: Deployed | undefined,
  machines: Machines,
): Topology {
  const { topology, ...members } = planTopology(config, deployed, machines);
  const authorities = judgeAuthorities(config, deployed, Date.now());
  const problems = [...members.problems, ...authorities.problems];
  for (const warning of [...members.warnings, ...authorities.warnings]) void pulumi.log.warn(warning);
  if (topology === undefined || problems.length > 0) throw refusal(problems);
  return topology;
}
