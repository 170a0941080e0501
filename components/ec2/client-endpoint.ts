import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { Listener } from "@pulumi/aws/lb/listener.js";
import { LoadBalancer } from "@pulumi/aws/lb/loadBalancer.js";
import { TargetGroup } from "@pulumi/aws/lb/targetGroup.js";
import { TargetGroupAttachment } from "@pulumi/aws/lb/targetGroupAttachment.js";
import { Record as DnsRecord } from "@pulumi/aws/route53/record.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import * as pulumi from "@pulumi/pulumi";
import type { NodeConfig } from "../../config/model.ts";
import { CLIENT_PORT } from "../../etcd/ports.ts";
import { endOf, label } from "./access.ts";

export interface BalancerArgs {
  /** CIDRs and ids of security groups that may reach it. */
  readonly clients: readonly string[];
  /** The members' subnets. */
  readonly subnets: readonly { readonly cidr: string }[];
  readonly nodes: readonly Pick<NodeConfig, "name" | "address">[];
  readonly vpcId: pulumi.Input<string>;
  readonly subnetIds: readonly pulumi.Input<string>[];
  readonly tags: Readonly<Record<string, string>>;
}

/** An internal network load balancer in front of the client port. TLS ends at the members. */
export class Balancer extends pulumi.ComponentResource {
  readonly groupId: pulumi.Output<string>;
  readonly dnsName: pulumi.Output<string>;
  readonly zoneId: pulumi.Output<string>;

  constructor(name: string, args: BalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:aws:Balancer", name, {}, opts);
    const child = { parent: this };
    const tags = { ...args.tags, Name: name };
    this.groupId = this.makeGroup(name, args);
    const balancer = new LoadBalancer(
      name,
      {
        internal: true,
        loadBalancerType: "network",
        subnets: [...args.subnetIds],
        securityGroups: [this.groupId],
        enableCrossZoneLoadBalancing: true, // with few members a zone may have none that answers
        tags,
      },
      child,
    );
    const targets = new TargetGroup(
      name,
      {
        vpcId: args.vpcId,
        protocol: "TCP",
        port: CLIENT_PORT,
        targetType: "ip",
        healthCheck: { protocol: "TCP", port: String(CLIENT_PORT) },
        tags,
      },
      child,
    );
    for (const { name: node, address } of args.nodes) {
      new TargetGroupAttachment(
        `${name}-${node}`,
        { targetGroupArn: targets.arn, targetId: address, port: CLIENT_PORT },
        child,
      );
    }
    const forward = { type: "forward", targetGroupArn: targets.arn };
    new Listener(
      name,
      { loadBalancerArn: balancer.arn, protocol: "TCP", port: CLIENT_PORT, defaultActions: [forward], tags },
      // a subnet less makes another load balancer, and a target group is behind one of them
      { ...child, deleteBeforeReplace: true },
    );
    this.dnsName = balancer.dnsName;
    this.zoneId = balancer.zoneId;
    this.registerOutputs({ groupId: this.groupId, dnsName: this.dnsName, zoneId: this.zoneId });
  }

  private makeGroup(name: string, { clients, subnets, vpcId, tags }: BalancerArgs): pulumi.Output<string> {
    const child = { parent: this };
    const { id: securityGroupId } = new SecurityGroup(
      name,
      { vpcId, description: "etcd clients", revokeRulesOnDelete: true, tags: { ...tags, Name: name } },
      child,
    );
    const port = { ipProtocol: "tcp", fromPort: CLIENT_PORT, toPort: CLIENT_PORT };
    for (const source of clients) {
      new SecurityGroupIngressRule(
        `${name}-${label(source)}`,
        { securityGroupId, ...port, ...endOf(source) },
        child,
      );
    }
    for (const { cidr } of subnets) {
      new SecurityGroupEgressRule(
        `${name}-out-${label(cidr)}`,
        { securityGroupId, ...port, cidrIpv4: cidr },
        child,
      );
    }
    return securityGroupId;
  }
}

export interface ClientNameArgs {
  readonly zoneId: string;
  readonly name: string;
  readonly nodes: readonly Pick<NodeConfig, "address">[];
  /** @default the members' addresses themselves */
  readonly balancer?: Balancer;
}

/** Seconds that resolvers keep the members' addresses; they rarely change. */
const TTL = 60;

/** The name that clients resolve: the load balancer, or all members. It is in every server certificate. */
export function nameClients({ zoneId, name, nodes, balancer }: ClientNameArgs): void {
  const target =
    balancer === undefined
      ? { ttl: TTL, records: nodes.map((node) => node.address) }
      : { aliases: [{ name: balancer.dnsName, zoneId: balancer.zoneId, evaluateTargetHealth: true }] };
  new DnsRecord("client-name", { zoneId, name, type: "A", ...target });
}
