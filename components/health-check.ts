import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Deployed } from "../cluster/topology.ts";
import { hostCommand } from "../host/commands.ts";
import type { EtcdCluster } from "./cluster.ts";
import { criteriaOptions } from "./cluster-steps.ts";
import { remoteStep } from "./step.ts";

/** A member as etcd lists it. */
export interface MemberStatus {
  readonly name: string;
  /** Hexadecimal, as etcdctl prints it. */
  readonly id: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
  readonly leader: boolean;
}

/** What the last step proved, as `etcd-host prove` prints it. */
interface Proof {
  readonly version: string;
  readonly clusterId: string;
  readonly members: readonly MemberStatus[];
  readonly health: string;
  /** Sha256 of the record that the step was sent. */
  readonly recorded?: string;
  /** In place of it, from an etcd-host of before: the record itself. */
  readonly deployed?: Deployed;
}

/** A certificate that expires sooner than this fails the proof; it should have been renewed long before. */
const MIN_DAYS_LEFT = 14;

export interface HealthCheckArgs {
  readonly cluster: Pick<EtcdCluster, "adminHost" | "criteria" | "declared" | "told" | "checked" | "last">;
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
          .all([cluster.declared, cluster.told, args.deployed])
          .apply(([declared, told, deployed]) => `${declared}${told}deployed\n${textOf(deployed)}`),
      },
      { parent: this, dependsOn: cluster.last.map(({ command }) => command) },
    );
    const proof = pulumi.unsecret(step.command.stdout).apply(parseProof);
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

function textOf(deployed: Deployed): string {
  return `${JSON.stringify(deployed, null, 2)}\n`;
}

/** With `--target` a run may leave out the proof of what it declares: then what was proven before stays. */
function provenRecord(proof: Proof, sent: Deployed, previous: Deployed | undefined): Deployed {
  const isSent = proof.recorded === createHash("sha256").update(textOf(sent)).digest("hex");
  const proven = isSent ? sent : (proof.deployed ?? previous);
  if (proven === undefined)
    throw new pulumi.RunError(
      "the health step proved another record than it was sent; raise checkId and run pulumi up again",
    );
  return proven;
}

/** As `etcd-host prove` begins its line: a login may print what it likes on others. */
const PROOF_MARK = "== proof of etcd-host: ";

/** Before it was marked, the proof was all that the step printed. */
function parseProof(stdout: string): Proof {
  const marked = stdout.split(/\r?\n/).findLast((line) => line.startsWith(PROOF_MARK));
  try {
    return JSON.parse(marked?.slice(PROOF_MARK.length) ?? stdout);
  } catch {
    const said = stdout.trim().slice(0, 200) || "nothing";
    throw new pulumi.RunError(
      `the health step has printed no proof, so its login ran something else (ForceCommand in sshd? command= at its key?): let it run commands, raise checkId and run pulumi up again. It printed: ${said}`,
    );
  }
}
