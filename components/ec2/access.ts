import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import { childOf } from "../../cluster/resource-names.ts";
import type { AwsConfig } from "../../config/aws/model.ts";
import { CLIENT_PORT, PEER_PORT } from "../../etcd/ports.ts";

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

/** The members' security group: what is not listed here is closed. */
export class Access extends pulumi.ComponentResource {
  readonly groupId: pulumi.Output<string>;
  readonly #name: string;

  constructor(name: string, args: AccessArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:aws:Access", name, {}, opts);
    this.#name = name;
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
    this.admit("peer-members", PEER_PORT, members);
    this.admit("client-members", CLIENT_PORT, members);
    if (balancerGroupId !== undefined)
      this.admit("client-balancer", CLIENT_PORT, { referencedSecurityGroupId: balancerGroupId });
    for (const source of access.clients) this.admit(`client-${label(source)}`, CLIENT_PORT, endOf(source));
    for (const source of access.ssh) this.admit(`ssh-${label(source)}`, 22, endOf(source));
    for (const source of access.metrics) this.admit(`metrics-${label(source)}`, metricsPort, endOf(source));

    this.letOut("peer-out", PEER_PORT, members);
    this.letOut("client-out", CLIENT_PORT, members);
    for (const port of outwardPorts) this.letOut(`out-${port}`, port, { cidrIpv4: "0.0.0.0/0" });
    this.registerOutputs({ groupId: this.groupId });
  }

  private admit(name: string, port: number, source: End): void {
    new SecurityGroupIngressRule(this.child(name), this.rule(port, source), { parent: this });
  }

  private letOut(name: string, port: number, target: End): void {
    new SecurityGroupEgressRule(this.child(name), this.rule(port, target), { parent: this });
  }

  private child(name: string): string {
    return childOf(this.#name, "members", name);
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
