import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "../cluster/digest.ts";
import type { Topology, TopologyMember } from "../cluster/topology.ts";
import type { ClusterConfig } from "../config/model.ts";
import { upgradesFrom } from "../etcd/releases.ts";
import { deleteCommand, hostCommand, identityOptions, type Options } from "../host/commands.ts";
import { renderUnit } from "../host/unit.ts";
import type { Host } from "./host.ts";
import { hostStep, ownerOf, type Step } from "./step.ts";

/** What a member's step carries, known before the resource is: the steps ahead of it need its digest. */
export interface MemberSpec {
  readonly unit: string;
  readonly options: pulumi.Output<Options>;
  readonly digest: pulumi.Output<string>;
}

/** The systemd unit of a member. */
export function memberUnit(
  plan: TopologyMember,
  { dataDir, release, settings }: Pick<ClusterConfig, "dataDir" | "release" | "settings">,
): string {
  return renderUnit({ ...plan, version: release.version, dataDir, settings });
}

/** What the host step carries of its member; nothing for a lost node, which has none. */
export function memberDigest(
  name: string,
  { members }: Topology,
  config: Parameters<typeof memberUnit>[1],
): { memberDigest?: string } {
  const plan = members.find((member) => member.name === name);
  return plan === undefined ? {} : { memberDigest: digestOf([memberUnit(plan, config)]) };
}

export interface MemberSpecArgs {
  readonly plan: TopologyMember;
  readonly config: Pick<ClusterConfig, "allow" | "dataDir" | "release" | "settings">;
  readonly token: pulumi.Input<string>;
  /** Digest of the CA bundles: etcd reads them at its start only. */
  readonly bundlesDigest: pulumi.Input<string>;
}

export function memberSpec({ plan, config, token, bundlesDigest }: MemberSpecArgs): MemberSpec {
  const { dataDir, release, settings } = config;
  const unit = memberUnit(plan, config);
  const options = pulumi.all([token, bundlesDigest]).apply(
    ([initialToken, bundles]): Options => ({
      version: release.version,
      "data-dir": dataDir,
      "metrics-url": settings.metricsUrl,
      bundles,
      "peer-url": plan.peerUrl,
      "initial-state": plan.initialState,
      "initial-cluster": plan.initialCluster,
      "initial-token": initialToken,
      "election-timeout": settings.electionTimeout,
      "upgrades-from": upgradesFrom(release.version),
      allow: config.allow.join(" "),
      "made-from": plan.machine,
    }),
  );
  return { unit, options, digest: options.apply((all) => digestOf([unit, JSON.stringify(all)])) };
}

export interface MemberArgs {
  readonly host: Host;
  readonly spec: MemberSpec;
  readonly checkId: number;
  /** The steps that come first: the host's own, and one member at a time. */
  readonly after: readonly Step[];
}

/** A running member. Its first `up` starts it; a later one restarts it only if the running process would differ. */
export class Member extends pulumi.ComponentResource {
  readonly step: Step;

  constructor(
    name: string,
    { host, spec, checkId, after }: MemberArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("etcd:cluster:Member", name, {}, opts);
    const call = (subcommand: string) =>
      pulumi
        .all([ownerOf(this), spec.options])
        .apply(([owner, options]) =>
          hostCommand(host.caller, subcommand, { ...identityOptions(host, owner, checkId), ...options }),
        );
    this.step = hostStep(
      `${name}-member`,
      host,
      {
        create: call("start"),
        update: call("roll"),
        delete: ownerOf(this).apply((owner) =>
          deleteCommand(host.caller, "stop", identityOptions(host, owner, checkId)),
        ),
        stdin: spec.unit,
      },
      { parent: this, dependsOn: after.map((step) => step.command) },
    );
    this.registerOutputs();
  }
}
