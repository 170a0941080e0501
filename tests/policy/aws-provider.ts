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
  "aws:ec2/instance:Instance",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/securityGroupRule:SecurityGroupRule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
];

serve("7.0.0", Object.fromEntries(types.map((type) => [type, anything])));
