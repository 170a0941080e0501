import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { VpcEndpoint } from "@pulumi/aws/ec2/vpcEndpoint.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import type * as pulumi from "@pulumi/pulumi";
import { childOf } from "../../cluster/resource-names.ts";
import type { Endpoint } from "../../config/aws/model.ts";

export interface EndpointPlace {
  readonly parent: pulumi.ComponentResource;
  /** Name of the parent. */
  readonly network: string;
  readonly vpcId: pulumi.Input<string>;
  readonly cidr: string;
  readonly region: string;
  readonly subnetIds: readonly pulumi.Input<string>[];
  readonly routeTableIds: readonly pulumi.Input<string>[];
  readonly tags: Readonly<Record<string, string>>;
}

/** What Session Manager's agent talks to. */
const SESSION_SERVICES = ["ssm", "ssmmessages", "ec2messages"];

/** Access to AWS's own services without egress from the VPC. */
export function makeEndpoints(endpoints: readonly Endpoint[], place: EndpointPlace): void {
  if (endpoints.includes("s3")) makeGateway(place);
  if (endpoints.includes("ssm")) makeInterfaces(place);
}

function makeGateway({ parent, network, vpcId, region, routeTableIds, tags }: EndpointPlace): void {
  const name = nameIn(network, "endpoint-s3");
  new VpcEndpoint(
    name,
    {
      vpcId,
      vpcEndpointType: "Gateway",
      serviceName: `com.amazonaws.${region}.s3`,
      routeTableIds: [...routeTableIds],
      tags: { ...tags, Name: name },
    },
    { parent },
  );
}

function makeInterfaces({ parent, network, vpcId, cidr, region, subnetIds, tags }: EndpointPlace): void {
  const name = nameIn(network, "endpoints");
  const group = new SecurityGroup(
    name,
    { vpcId, description: "AWS endpoints of the etcd members", tags: { ...tags, Name: name } },
    { parent },
  );
  new SecurityGroupIngressRule(
    `${name}-https`,
    { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 443, toPort: 443, cidrIpv4: cidr },
    { parent },
  );
  for (const service of SESSION_SERVICES) {
    const endpoint = nameIn(network, `endpoint-${service}`);
    new VpcEndpoint(
      endpoint,
      {
        vpcId,
        vpcEndpointType: "Interface",
        serviceName: `com.amazonaws.${region}.${service}`,
        privateDnsEnabled: true,
        subnetIds: [...subnetIds],
        securityGroupIds: [group.id],
        tags: { ...tags, Name: endpoint },
      },
      { parent },
    );
  }
}

function nameIn(network: string, child: string): string {
  return childOf(network, "network", child);
}
