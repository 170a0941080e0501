import * as pulumi from "@pulumi/pulumi";
import { checkAuthorities } from "../cluster/authorities.ts";
import { checkEnded } from "../cluster/ended.ts";
import type { Machines } from "../cluster/machines.ts";
import { computeTopology, type Deployed, type Topology } from "../cluster/topology.ts";
import type { ClusterConfig } from "../config/model.ts";
import { refusal } from "../config/refusal.ts";

/** The topology, or one error that lists all problems; warnings are shown either way. */
export function checkedTopology(
  config: ClusterConfig,
  deployed: Deployed | undefined,
  machines: Machines,
): Topology {
  const { topology, ...members } = computeTopology(config, deployed, machines);
  const now = Date.now();
  const authorities = checkAuthorities(config, deployed, now);
  const ended = checkEnded(config, deployed, machines, now);
  const problems = [...members.problems, ...authorities.problems, ...ended.problems];
  for (const warning of [...members.warnings, ...authorities.warnings, ...ended.warnings])
    void pulumi.log.warn(warning);
  if (topology === undefined || problems.length > 0) throw refusal(problems);
  return topology;
}
