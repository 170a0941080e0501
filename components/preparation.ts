import * as pulumi from "@pulumi/pulumi";
import { partOf } from "../cluster/resource-names.ts";
import { allowedFor } from "../config/allow.ts";
import type { NodeConfig, SshConfig } from "../config/model.ts";
import { deleteHostCommand, identityOptions, prepareCommand } from "../host/commands.ts";
import { hostProgram } from "../host/program.ts";
import type { ServiceSettings } from "../host/unit.ts";
import type { Host } from "./host.ts";
import { hostStep, ownerOf, type Step } from "./step.ts";

/** What a host's first step says to it, the same for machines of any kind. */
export interface PreparationArgs {
  readonly node: NodeConfig;
  /** The cluster token: a host that runs a member of another cluster is refused. */
  readonly token: pulumi.Input<string>;
  /** The token before the last restore: the host may still carry it. */
  readonly former?: string;
  readonly dataDir: string;
  readonly quotaBackendBytes: number;
  readonly metricsUrl: string;
  /** Named overrides of refusals. */
  readonly allow: readonly string[];
  /** What the unit needs of the host. */
  readonly service: Pick<ServiceSettings, "privateUsers" | "readWritePaths">;
  readonly checkId: number;
  /** Digest of what the member will run: before a member changes, its host is checked. Nothing for a lost node. */
  readonly memberDigest?: string;
  /** RFC 3339; the host's clock may not be before it. Fixed, unlike the workstation's time. */
  readonly notBefore: pulumi.Input<string>;
  /** Where the host saves snapshots. @default /var/lib/etcd-host/snapshots */
  readonly snapshots?: string;
}

/** What every kind of host is created from. */
export interface HostSpec extends PreparationArgs {
  readonly ssh: SshConfig;
  readonly privateKey?: pulumi.Input<string>;
}

/** The data volume of a machine that the program creates. */
export interface DataVolume {
  /** As EC2 names it: `vol-…`. */
  readonly id: pulumi.Input<string>;
  /** GiB: the file system grows when it does. */
  readonly size: number;
}

/** Preflight, then the user, the directories and `etcd-host` itself; on EC2 first the end of cloud-init, and the volume. */
export function prepareStep(
  name: string,
  component: pulumi.ComponentResource,
  host: Omit<Host, "prepared">,
  args: PreparationArgs,
  opts: pulumi.CustomResourceOptions & {
    readonly volume?: DataVolume;
    /** Whether sshd still serves the key of the first connection too. */
    readonly dropsFirstKey?: boolean;
  } = {},
): Step {
  const { volume, dropsFirstKey, ...options } = opts;
  const inputs = pulumi.all([ownerOf(component), args.token, args.notBefore, volume?.id]);
  return hostStep(
    partOf(name, "host"),
    host,
    {
      create: inputs.apply(([owner, token, notBefore, volumeId]) =>
        prepareCommand(host.caller, {
          ...identityOptions(host, owner, args.checkId),
          cluster: token,
          former: args.former,
          address: args.node.address,
          listen: args.node.listenAddress,
          "data-dir": args.dataDir,
          quota: args.quotaBackendBytes,
          "metrics-url": args.metricsUrl,
          "not-before": notBefore,
          allow: allowedFor("host", args.allow),
          member: args.memberDigest,
          snapshots: args.snapshots,
          "private-users": args.service.privateUsers ? undefined : "no",
          writable: args.service.readWritePaths.join(" "),
          volume: volumeId,
          "volume-size": volume?.size,
          "drop-first-key": dropsFirstKey || undefined,
        }),
      ),
      delete: ownerOf(component).apply((owner) =>
        deleteHostCommand(host.caller, "remove-host", identityOptions(host, owner, args.checkId)),
      ),
      stdin: hostProgram(),
    },
    { parent: component, ...options },
  );
}
