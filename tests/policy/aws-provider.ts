// Stand-in for the provider `aws`, for previews only: it takes every resource as it is and makes nothing.
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import type { Properties } from "../../lab/engine/properties.ts";
import { type ResourceType, serve } from "../../lab/engine/provider.ts";
import { answerOf } from "../program/providers.ts";

const anything: ResourceType = {
  check: (inputs) => ({ inputs, failures: [] }),
  diff: () => new provider.DiffResponse(),
  create: async ({ inputs, preview }) => ({ id: preview ? "" : "made-of-nothing", outputs: inputs }),
  update: async ({ inputs }) => inputs,
};

const types = [
  "aws:ebs/volume:Volume",
  "aws:ec2/eip:Eip",
  "aws:ec2/instance:Instance",
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/networkInterface:NetworkInterface",
  "aws:ec2/route:Route",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/securityGroupRule:SecurityGroupRule",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/volumeAttachment:VolumeAttachment",
  "aws:ec2/vpc:Vpc",
  "aws:ec2/vpcEndpoint:VpcEndpoint",
  "aws:iam/instanceProfile:InstanceProfile",
  "aws:iam/role:Role",
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:lb/listener:Listener",
  "aws:lb/loadBalancer:LoadBalancer",
  "aws:lb/targetGroup:TargetGroup",
  "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  "aws:route53/record:Record",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
];

/** Functions of AWS, answered as in the tests of the program. */
const functions = ["getAmi", "getInstanceType", "getInstanceTypeOfferings", "getSubnet"].map(
  (name) => `aws:ec2/${name}:${name}`,
);
const answers = functions.map(
  (token) => [token, (inputs: Properties) => plain(answerOf(token, inputs))] as const,
);

function plain(answer: unknown): Properties {
  return JSON.parse(JSON.stringify(answer));
}

serve("7.48.0", Object.fromEntries(types.map((type) => [type, anything])), {
  invokes: {
    ...Object.fromEntries(answers),
    "aws:ec2/getInstances:getInstances": () => ({ ids: [] }),
  },
});
