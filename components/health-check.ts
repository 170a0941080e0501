import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "../cluster/digest.ts";
import { isProven, type MemberStatus, type Proof, parseProof, recordText } from "../cluster/proof.ts";
import type { Deployed } from "../cluster/topology.ts";
import { hostCommand } from "../host/commands.ts";
import type { EtcdCluster } from "./cluster.ts";
import { criteriaOptions } from "./cluster-steps.ts";
import { remoteStep, type Step } from "./step.ts";

/** A certificate that expires sooner than this fails the proof; it should have been renewed long before. */
const MIN_DAYS_LEFT = 14;

export interface HealthCheckArgs {
  readonly cluster: Pick<
    EtcdCluster,
    "adminHost" | "criteria" | "declared" | "told" | "checked" | "last" | "upkeep"
  >;
  /** Days before its end from which a leaf certificate is renewed. */
  readonly renewBeforeDays: number;
  /** The record of what is proven, once the whole cluster is healthy. */
  readonly deployed: pulumi.Input<Deployed>;
  /** That of the last run that ended healthy. */
  readonly previous: Deployed | undefined;
}

/**
 * The proof that the whole cluster is as declared. Its outputs come from the step's own stdout: a run that did not get
 * this far leaves the last proven ones in place. `deployed` is the record as it was sent, not as a host may have
 * rewritten it: what it says is planned from, and gets certificates.
 */
export class HealthCheck extends pulumi.ComponentResource {
  readonly version: pulumi.Output<string>;
  readonly clusterId: pulumi.Output<string>;
  readonly members: pulumi.Output<readonly MemberStatus[]>;
  readonly health: pulumi.Output<string>;
  readonly deployed: pulumi.Output<Deployed>;
  readonly step: Step;

  constructor(name: string, args: HealthCheckArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:cluster:HealthCheck", name, {}, opts);
    const { cluster } = args;
    const step = remoteStep(
      name,
      cluster.adminHost,
      {
        create: cluster.checked.apply((checked) =>
          hostCommand(cluster.adminHost.caller, "prove", {
            ...criteriaOptions(cluster.criteria),
            // a leaf certificate that is not yet due for renewal is no fault
            "min-days": Math.min(MIN_DAYS_LEFT, args.renewBeforeDays),
            checked,
          }),
        ),
        stdin: pulumi
          .all([cluster.declared, cluster.told, upkeepLine(cluster.upkeep), args.deployed])
          .apply(
            ([declared, told, upkeep, deployed]) => `${declared}${told}${upkeep}${recordText(deployed)}`,
          ),
      },
      { parent: this, dependsOn: cluster.last.map(({ command }) => command) },
    );
    this.step = step;
    const proof = pulumi.unsecret(step.command.stdout).apply(proofIn);
    this.version = proof.version;
    this.clusterId = proof.clusterId;
    this.members = proof.members;
    this.health = proof.health;
    this.deployed = pulumi
      .all([proof, args.deployed])
      .apply(([proven, sent]) => provenRecord(proven, sent, args.previous));
    const { version, clusterId, members, health, deployed } = this;
    this.registerOutputs({ version, clusterId, members, health, deployed });
  }
}

/** Nothing where there are no timers: then the text is that of stacks from before there were any. */
function upkeepLine(steps: readonly Step[]): pulumi.Output<string> {
  const digests = steps.map(({ digest }) => digest);
  return pulumi.all(digests).apply((all) => (all.length === 0 ? "" : `upkeep ${digestOf(all)}\n`));
}

/** With `--target` a run may leave out the proof of what it declares: then what was proven before stays. */
function provenRecord(proof: Proof, sent: Deployed, previous: Deployed | undefined): Deployed {
  const proven = isProven(sent, proof) ? sent : (proof.deployed ?? previous);
  if (proven === undefined)
    throw new pulumi.RunError(
      "the health step proved another record than it was sent; raise checkId and run pulumi up again",
    );
  return proven;
}

function proofIn(stdout: string): Proof {
  const proof = parseProof(stdout);
  if (proof !== undefined) return proof;
  const said = stdout.trim().slice(0, 200) || "nothing";
  throw new pulumi.RunError(
    `the health step has printed no proof, so its login ran something else (ForceCommand in sshd? command= at its key?): let it run commands, raise checkId and run pulumi up again. It printed: ${said}`,
  );
}
