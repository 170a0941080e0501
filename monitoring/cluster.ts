/** The cluster that the files are written for, from the stack's last proven outputs. */

import { parseDeployed } from "../cluster/topology.ts";
import { quorum } from "../etcd/quorum.ts";
import { record } from "../lib/json.ts";

export interface MonitoredMember {
  readonly name: string;
  /** Host and port of the client URL, where /metrics is served too. */
  readonly target: string;
}

export interface MonitoredCluster {
  /** The cluster's token: its configured name, and digits that tell it from others with that name. */
  readonly name: string;
  readonly members: readonly MonitoredMember[];
  readonly quorum: number;
  /** Seconds that the last snapshot may be old. @default none is taken on a schedule */
  readonly backupMaxAge?: number;
}

/** Reads `pulumi stack output --json`; `backupMaxAge` is the configuration's. Throws one sentence if no `up` has proven the cluster yet. */
export function monitoredCluster(outputs: unknown, backupMaxAge?: number): MonitoredCluster {
  const { deployed, members } = record(outputs);
  const proven = parseDeployed(deployed);
  if (proven === undefined || !Array.isArray(members)) {
    throw new Error("The stack has no proven cluster yet: run pulumi up first.");
  }
  return {
    name: proven.token,
    members: members.map(parseMember),
    quorum: quorum(members.length),
    ...(backupMaxAge === undefined ? {} : { backupMaxAge }),
  };
}

function parseMember(value: unknown): MonitoredMember {
  const { name, clientUrl } = record(value);
  if (typeof name !== "string" || typeof clientUrl !== "string" || !URL.canParse(clientUrl)) {
    throw new Error("The stack's output members cannot be read: raise checkId and run pulumi up again.");
  }
  return { name, target: new URL(clientUrl).host };
}
