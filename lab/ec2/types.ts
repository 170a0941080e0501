// Part of the simulated EC2: every resource type it serves.
import type { ResourceType } from "../engine/provider.ts";
import type { Cloud } from "./cloud.ts";
import { type Description, resourceType } from "./resource.ts";
import { volumeAttachment } from "./types/attachment.ts";
import { listener, loadBalancer, targetGroup, targetGroupAttachment } from "./types/balancer.ts";
import { vpcEndpoint } from "./types/endpoint.ts";
import { eip, internetGateway, natGateway } from "./types/gateways.ts";
import { instanceProfile, role, rolePolicy, rolePolicyAttachment } from "./types/iam.ts";
import { instance } from "./types/instance.ts";
import { networkInterface } from "./types/interface.ts";
import { subnet, vpc } from "./types/network.ts";
import { record } from "./types/record.ts";
import { route, routeTable, routeTableAssociation } from "./types/routing.ts";
import { egressRule, ingressRule, securityGroup } from "./types/security-group.ts";
import { volume } from "./types/volume.ts";

const DESCRIPTIONS: Readonly<Record<string, Description>> = {
  "aws:ec2/vpc:Vpc": vpc,
  "aws:ec2/subnet:Subnet": subnet,
  "aws:ec2/routeTable:RouteTable": routeTable,
  "aws:ec2/route:Route": route,
  "aws:ec2/routeTableAssociation:RouteTableAssociation": routeTableAssociation,
  "aws:ec2/internetGateway:InternetGateway": internetGateway,
  "aws:ec2/natGateway:NatGateway": natGateway,
  "aws:ec2/eip:Eip": eip,
  "aws:ec2/vpcEndpoint:VpcEndpoint": vpcEndpoint,
  "aws:ec2/securityGroup:SecurityGroup": securityGroup,
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ingressRule,
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": egressRule,
  "aws:ec2/networkInterface:NetworkInterface": networkInterface,
  "aws:ebs/volume:Volume": volume,
  "aws:ec2/instance:Instance": instance,
  "aws:ec2/volumeAttachment:VolumeAttachment": volumeAttachment,
  "aws:lb/loadBalancer:LoadBalancer": loadBalancer,
  "aws:lb/targetGroup:TargetGroup": targetGroup,
  "aws:lb/targetGroupAttachment:TargetGroupAttachment": targetGroupAttachment,
  "aws:lb/listener:Listener": listener,
  "aws:route53/record:Record": record,
  "aws:iam/role:Role": role,
  "aws:iam/rolePolicy:RolePolicy": rolePolicy,
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": rolePolicyAttachment,
  "aws:iam/instanceProfile:InstanceProfile": instanceProfile,
};

export function typesOf(cloud: () => Cloud): Record<string, ResourceType> {
  return Object.fromEntries(
    Object.entries(DESCRIPTIONS).map(([type, description]) => [type, resourceType(cloud, description)]),
  );
}
