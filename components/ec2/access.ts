import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import { clientPort, peerPort } from "../../cluster/topology.ts";
import type { AwsConfig } from "../../config/aws/model.ts";

export interface AccessArgs {
  readonly vpcId: pulumi.Input<string>;
  readonly access: AwsConfig["access"];
  readonly metricsPort: number;
  /** TCP ports that the members reach anywhere: the mirror of etcd's archives, AWS's services. */
  readonly outwardPorts: readonly number[];
  /** Where clients come from besides `access.clients`: the load balancer. @default nobody */
  readonly balancerGroupId?: pulumi.Input<string>;
  readonly tags: Readonly<Record<string, string>>;
}

/** One end of a rule: a CIDR, or the id of a security group. */
type End = { cidrIpv4: string } | { cidrIpv6: string } | { referencedSecurityGroupId: pulumi.Input<string> };

/** The members' security group: what is not named here is closed. */
export class Access extends pulumi.ComponentResource {
  readonly groupId: pulumi.Output<string>;

  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:aws:Access", name, {}, opts);
    const { access, metricsPort, outwardPorts, balancerGroupId } = args;
    const group = new SecurityGroup(
      name,
      {
        vpcId: args.vpcId,
        description: "etcd members",
        revokeRulesOnDelete: true, // it refers to itself
        tags: { ...args.tags, Name: name },
      },
      { parent: this },
    );
    this.groupId = group.id;

    const members = { referencedSecurityGroupId: group.id };
    this.admit("peer-members", peerPort, members);
    this.admit("client-members", clientPort, members);
    if (balancerGroupId !== undefined)
      this.admit("client-balancer", clientPort, { referencedSecurityGroupId: balancerGroupId });
    for (const source of access.clients) this.admit(`client-${label(source)}`, clientPort, endOf(source));
    for (const source of access.ssh) this.admit(`ssh-${label(source)}`, 22, endOf(source));
    for (const source of access.metrics) this.admit(`metrics-${label(source)}`, metricsPort, endOf(source));

    this.letOut("peer-out", peerPort, members);
    this.letOut("client-out", clientPort, members);
    for (const port of outwardPorts) this.letOut(`out-${port}`, port, { cidrIpv4: "0.0.0.0/0" });
    this.registerOutputs();
  }

  private admit(name: string, port: number, source: End): void {
    new SecurityGroupIngressRule(name, this.rule(port, source), { parent: this });
  }

  private letOut(name: string, port: number, target: End): void {
    new SecurityGroupEgressRule(name, this.rule(port, target), { parent: this });
  }

  private rule(port: number, end: End) {
    return { securityGroupId: this.groupId, ipProtocol: "tcp", fromPort: port, toPort: port, ...end };
  }
}

export function endOf(source: string): End {
  if (source.startsWith("sg-")) return { referencedSecurityGroupId: source };
  return source.includes(":") ? { cidrIpv6: source } : { cidrIpv4: source };
}

/** As a part of a resource name. */
export function label(source: string): string {
  return source.replaceAll(/[/:]/g, "-");
}
