// Stand-in for the provider `aws`, for previews only: it takes every resource as it is and makes nothing.
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import { type ResourceType, serve } from "../../lab/engine/provider.ts";

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
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:lb/listener:Listener",
  "aws:lb/loadBalancer:LoadBalancer",
  "aws:lb/targetGroup:TargetGroup",
  "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  "aws:route53/record:Record",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
];

serve("7.0.0", Object.fromEntries(types.map((type) => [type, anything])), {
  invokes: {
    "aws:ec2/getAmi:getAmi": () => ({ architecture: "x86_64" }),
    "aws:ec2/getInstanceType:getInstanceType": () => ({
      supportedArchitectures: ["x86_64"],
      hypervisor: "nitro",
      bareMetal: false,
    }),
  },
});
