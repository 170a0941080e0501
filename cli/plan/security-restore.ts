/** A restore exchanges all data of the cluster, its users and their rights among it: somebody else has to agree. */

import { isPending } from "../../cluster/restore.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { type Found, NONE } from "./security-row.ts";

export function restoredRows(
  config: Pick<ClusterConfig, "restore">,
  deployed: Deployed | undefined,
): readonly Found[] {
  const { restore } = config;
  if (restore === undefined || !isPending(config, deployed)) return [];
  const old = deployed === undefined ? NONE : "what the members have";
  const note = `sha256 ${restore.sha256}`;
  return [{ kind: "trust", what: "all data of the cluster", old, new: restore.snapshot, note }];
}
