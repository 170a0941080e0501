/** What the arithmetic can plan and the hosts cannot do yet: refused in preview, before anything is touched. */

import type { ClusterConfig } from "../config.ts";
import { minorOf, parseVersion } from "../releases.ts";
import { changesOf } from "./changes.ts";
import type { Deployed } from "./deployed.ts";

export function refuseNotYet(config: ClusterConfig, deployed: Deployed | undefined): readonly string[] {
  if (deployed === undefined) return [];
  const changes = changesOf(config.nodes, deployed);
  const words = {
    added: "would join",
    removed: "would be removed",
    replaced: "would be replaced",
    moved: "would get another address",
    lost: "would be taken out as lost",
  } as const;
  const problems: string[] = [];
  for (const kind of ["added", "removed", "replaced", "moved", "lost"] as const) {
    if (changes[kind].length > 0) {
      problems.push(
        `nodes: ${changes[kind].join(", ")} ${words[kind]}; this version of the program does not change the members of a running cluster yet: put the list back.`,
      );
    }
  }
  const from = parseVersion(deployed.version);
  const to = parseVersion(config.release.version);
  if (from !== undefined && to !== undefined && minorOf(from) !== minorOf(to)) {
    problems.push(
      `version: the cluster runs ${deployed.version}; this version of the program changes patch versions only yet: stay within ${minorOf(from)}.`,
    );
  }
  return problems;
}
