import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "../cluster/digest.ts";
import type { BEFORE, MEMBERSHIP } from "../cluster/resource-names.ts";
import type { TopologyMember } from "../cluster/topology.ts";
import { allowedFor } from "../config/allow.ts";
import { hostCommand, type Options } from "../host/commands.ts";
import type { Host } from "./host.ts";
import { remoteStep, type Step } from "./step.ts";

/** What the steps that ask the whole cluster check it against. */
export interface Criteria {
  /** Of etcd. */
  readonly version: string;
  /** Milliseconds. */
  readonly electionTimeout: number;
  /** Named overrides of refusals. */
  readonly allow: readonly string[];
  readonly checkId: number;
}

export function criteriaOptions(criteria: Criteria): Options {
  return { version: criteria.version, ...askOptions(criteria) };
}

function askOptions({ electionTimeout, allow, checkId }: Criteria): Options {
  return { "election-timeout": electionTimeout, allow: allowedFor("members", allow), "check-id": checkId };
}

interface ClusterStepArgs {
  /** The host that it runs on. */
  readonly host: Host;
  readonly criteria: Criteria;
  readonly after: readonly Step[];
}

export interface AroundArgs extends ClusterStepArgs {
  /** @default no others than the criteria */
  readonly options?: Options;
  /** What it is told of a restore. @default the cluster is not restored */
  readonly restores?: RestoreCall | undefined;
  /** The declared members. */
  readonly stdin: pulumi.Input<string>;
}

export interface RestoreCall {
  /** Of the cluster that begins with the snapshot. */
  readonly token: pulumi.Input<string>;
}

/** A step before or after the members. During a bootstrap there is nothing to check. */
export function stepAround(
  name: string,
  subcommand: typeof BEFORE | typeof MEMBERSHIP,
  { host, criteria, after, options, restores, stdin }: AroundArgs,
  parent: pulumi.Resource,
): Step {
  const all = { ...criteriaOptions(criteria), ...options };
  const call = (more: Options): pulumi.Input<string> => {
    if (restores === undefined) return hostCommand(host.caller, subcommand, { ...all, ...more });
    const words = [all.allow, allowedFor("restore", criteria.allow)].filter((word) => word !== "");
    return pulumi
      .output(restores.token)
      .apply((restore) =>
        hostCommand(host.caller, subcommand, { ...all, ...more, allow: words.join(" "), restore }),
      );
  };
  return remoteStep(
    name,
    host,
    { create: call({ founding: true }), update: call({}), stdin },
    { parent, dependsOn: after.map(({ command }) => command) },
  );
}

export interface GuardArgs extends ClusterStepArgs {
  /** The member whose machine is guarded; not the one on `host`. */
  readonly member: string;
  /** Digest of what its machine is created from. */
  readonly madeFrom: string;
}

/**
 * Proves, on another member, that the cluster can do without this one while its machine is replaced. It has work
 * only in an update: when what the machine is created from changes.
 */
export function guardStep(
  name: string,
  { host, criteria, after, member, madeFrom }: GuardArgs,
  parent: pulumi.Resource,
): Step {
  const options = { name: member, "made-from": madeFrom, ...askOptions(criteria) };
  return remoteStep(
    name,
    host,
    {
      create: hostCommand(host.caller, "guard", { ...options, founding: true }),
      update: hostCommand(host.caller, "guard", options),
    },
    { parent, dependsOn: after.map(({ command }) => command) },
  );
}

/** What the cluster's steps read: a digest that changes with any of `carried`, and the declared members. */
export function declaredMembers(
  members: readonly TopologyMember[],
  carried: readonly pulumi.Output<string>[],
): pulumi.Output<string> {
  const lines = members.map((m) => `member ${m.name} ${m.peerUrl} ${m.clientUrl} ${m.incarnation}\n`);
  return pulumi.all([...carried]).apply((digests) => `digest ${digestOf(digests)}\n${lines.join("")}`);
}
