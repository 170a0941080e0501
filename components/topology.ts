import * as pulumi from "@pulumi/pulumi";
import { checkAccess } from "../cluster/access.ts";
import { checkAuthorities } from "../cluster/authorities.ts";
import { memberChanges } from "../cluster/changes.ts";
import { checkEnded } from "../cluster/ended.ts";
import { checkGiven } from "../cluster/given-authorities.ts";
import type { Machines } from "../cluster/machines.ts";
import { isPending } from "../cluster/restore.ts";
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
  const restores = isPending(config, deployed) ? ["a snapshot is restored"] : [];
  const changes = deployed === undefined ? [] : [...restores, ...memberChanges(config, deployed, machines)];
  const findings = [
    members,
    checkAuthorities(config, deployed, now, changes),
    checkGiven(config, deployed, now),
    checkEnded(config, deployed, machines, now),
    checkAccess(config, deployed),
  ];
  const problems = findings.flatMap((found) => found.problems);
  for (const warning of findings.flatMap(({ warnings }) => warnings)) void pulumi.log.warn(warning);
  if (topology === undefined || problems.length > 0) throw refusal(problems);
  return topology;
}
