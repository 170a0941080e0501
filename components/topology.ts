import * as pulumi from "@pulumi/pulumi";
import { checkAuthorities } from "../cluster/authorities.ts";
import { memberChanges } from "../cluster/changes.ts";
import { checkGiven } from "../cluster/given-authorities.ts";
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
  const changes = deployed === undefined ? [] : memberChanges(config, deployed, machines);
  const authorities = checkAuthorities(config, deployed, Date.now(), changes);
  const given = checkGiven(config, deployed, Date.now());
  const problems = [...members.problems, ...authorities.problems, ...given.problems];
  const warnings = [...members.warnings, ...authorities.warnings, ...given.warnings];
  for (const warning of warnings) void pulumi.log.warn(warning);
  if (topology === undefined || problems.length > 0) throw refusal(problems);
  return topology;
}
