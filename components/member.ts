import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "../cluster/digest.ts";
import { MEMBER_TYPE, partOf } from "../cluster/resource-names.ts";
import type { Topology, TopologyMember } from "../cluster/topology.ts";
import { allowedFor } from "../config/allow.ts";
import type { EtcdSettings } from "../config/model.ts";
import { upgradesFrom } from "../etcd/releases.ts";
import { deleteCommand, hostCommand, identityOptions, type Options, optionWords } from "../host/commands.ts";
import { EC2_METADATA, renderUnit } from "../host/unit.ts";
import type { Host } from "./host.ts";
import { GIVEN_UP_FIRST, hostStep, ownerOf, type Step } from "./step.ts";

/** What a member's step carries, known before the resource is: the steps ahead of it need its digest. */
export interface MemberSpec {
  readonly unit: string;
  readonly options: pulumi.Output<Options>;
  readonly digest: pulumi.Output<string>;
  /** Digest of what the member is told, as its host computes it over the step's words and its unit. */
  readonly told: pulumi.Output<string>;
}

/** What all members run. */
export interface EtcdArgs {
  readonly version: string;
  readonly dataDir: string;
  readonly settings: EtcdSettings;
  readonly topology: Pick<Topology, "members" | "revoked">;
}

/** The systemd unit of a member. */
function memberUnit(member: TopologyMember, { version, dataDir, settings, topology }: EtcdArgs): string {
  const onEc2 = member.machine === undefined ? {} : { deniedAddresses: EC2_METADATA };
  const { revoked } = topology;
  const refuses = revoked === undefined ? {} : { revoked };
  return renderUnit({ ...member, ...onEc2, ...refuses, version, dataDir, settings });
}

/** What the host step carries of its member; nothing for a lost node, which has none. */
export function memberDigest(name: string, etcd: EtcdArgs): { memberDigest?: string } {
  const found = etcd.topology.members.find((member) => member.name === name);
  return found === undefined ? {} : { memberDigest: digestOf([memberUnit(found, etcd)]) };
}

export interface MemberSpecArgs extends EtcdArgs {
  readonly member: TopologyMember;
  /** Named overrides of refusals. */
  readonly allow: readonly string[];
  readonly token: pulumi.Input<string>;
  /** Digest of the CA bundles: etcd reads them at its start only. */
  readonly bundlesDigest: pulumi.Input<string>;
  readonly checkId: number;
}

export function memberSpec({ member, allow, checkId, ...args }: MemberSpecArgs): MemberSpec {
  const { version, dataDir, settings } = args;
  const unit = memberUnit(member, args);
  const options = pulumi.all([args.token, args.bundlesDigest]).apply(
    ([initialToken, bundles]): Options => ({
      version,
      "data-dir": dataDir,
      "metrics-url": settings.metricsUrl,
      bundles,
      "peer-url": member.peerUrl,
      "initial-state": member.initialState,
      "initial-cluster": member.initialCluster,
      "initial-token": initialToken,
      "election-timeout": settings.electionTimeout,
      "upgrades-from": upgradesFrom(version),
      allow: allowedFor("members", allow),
      "made-from": member.machine,
    }),
  );
  return {
    unit,
    options,
    digest: options.apply((all) => digestOf([unit, JSON.stringify(all)])),
    told: options.apply((all) => toldDigest({ ...identityOptions(member, "", checkId), ...all }, unit)),
  };
}

/** As `declared_digest` in host/sh/record.sh: who runs the step, and on which machine, is no setting of the member. */
function toldDigest(options: Options, unit: string): string {
  const words = optionWords(options).map((word) => `${word}\n`);
  return createHash("sha256").update(words.join("")).update(unit).digest("hex").slice(0, 16);
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
    super(MEMBER_TYPE, name, {}, opts);
    const call = (subcommand: string) =>
      pulumi
        .all([ownerOf(this), spec.options])
        .apply(([owner, options]) =>
          hostCommand(host.caller, subcommand, { ...identityOptions(host, owner, checkId), ...options }),
        );
    this.step = hostStep(
      partOf(name, "member"),
      host,
      {
        create: call("start"),
        update: call("roll"),
        delete: ownerOf(this).apply((owner) =>
          deleteCommand(host.caller, "stop", identityOptions(host, owner, checkId)),
        ),
        stdin: spec.unit,
      },
      { parent: this, dependsOn: after.map((step) => step.command), ...GIVEN_UP_FIRST },
    );
    this.registerOutputs({ digest: this.step.digest });
  }
}
