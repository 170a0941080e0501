// Part of the simulated EC2: VPC endpoints. Nothing answers behind them.
import { type Properties, text, texts } from "../../engine/properties.ts";
import { ACCOUNT, arn, type Cloud, need, needId, refuse } from "../cloud.ts";
import { idOf, matches, oneOf, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";
import { newId } from "../store.ts";

const OPERATION = "CreateVpcEndpoint";
const GATEWAY_SERVICES = ["s3", "dynamodb"];
const INTERFACE_SERVICES = ["s3", "ssm", "ssmmessages", "ec2messages", "ec2", "kms", "logs", "sts"];

export const vpcEndpoint: Description = {
  kind: "vpc-endpoint",
  title: "EC2 VPC Endpoint",
  fields: {
    vpcId: { shape: "text", required: true, replaces: true, test: idOf("vpc") },
    serviceName: {
      shape: "text",
      required: true,
      replaces: true,
      test: matches(/^com\.amazonaws\.[\w-]+\.[\w.-]+$/, "a service name (com.amazonaws.eu-central-1.s3)"),
    },
    vpcEndpointType: {
      shape: "text",
      replaces: true,
      initial: "Gateway",
      test: oneOf("Gateway", "Interface"),
    },
    routeTableIds: { shape: "texts", test: idOf("rtb") },
    subnetIds: { shape: "texts", test: idOf("subnet") },
    securityGroupIds: { shape: "texts", test: idOf("sg") },
    privateDnsEnabled: { shape: "flag", initial: false },
    policy: { chosen: true, shape: "text" },
    tags: TAGS,
  },
  computed: ["arn", "ownerId", "state", "prefixListId"],

  create(cloud, inputs) {
    refuseEndpoint(cloud, inputs);
    const id = newId("vpce");
    const computed = {
      arn: arn(cloud, "ec2", `vpc-endpoint/${id}`),
      ownerId: ACCOUNT,
      state: "available",
      prefixListId: inputs.vpcEndpointType === "Gateway" ? newId("pl") : "",
    };
    return { id, computed };
  },

  async update(cloud, _id, _before, after) {
    refuseEndpoint(cloud, after);
    return {};
  },
};

function refuseEndpoint(cloud: Cloud, inputs: Properties): void {
  const vpc = need(cloud, OPERATION, "vpc", inputs, "vpcId");
  const name = text(inputs, "serviceName") ?? "";
  const isGateway = inputs.vpcEndpointType === "Gateway";
  const services = isGateway ? GATEWAY_SERVICES : INTERFACE_SERVICES;
  if (!services.some((service) => name === `com.amazonaws.${cloud.region}.${service}`))
    refuse(OPERATION, "InvalidServiceName", `The Vpc Endpoint Service '${name}' does not exist`);
  for (const [kind, key] of [
    ["route-table", "routeTableIds"],
    ["subnet", "subnetIds"],
    ["security-group", "securityGroupIds"],
  ] as const) {
    for (const id of texts(inputs, key)) needId(cloud, OPERATION, kind, id);
  }
  if (isGateway && (inputs.subnetIds !== undefined || inputs.privateDnsEnabled === true))
    refuse(OPERATION, "InvalidParameter", "A gateway endpoint has neither subnets nor private DNS.");
  if (!isGateway) refuseInterface(cloud, inputs, vpc);
}

function refuseInterface(cloud: Cloud, inputs: Properties, vpc: Properties): void {
  if (inputs.routeTableIds !== undefined)
    refuse(OPERATION, "InvalidParameter", "An interface endpoint has no route tables.");
  const zones = texts(inputs, "subnetIds").map(
    (id) => needId(cloud, OPERATION, "subnet", id).availabilityZone,
  );
  if (new Set(zones).size < zones.length) {
    const reason = "Found another VPC endpoint subnet in the availability zone of a subnet";
    refuse(OPERATION, "DuplicateSubnetsInSameZone", reason);
  }
  if (inputs.privateDnsEnabled === true && !(vpc.enableDnsSupport && vpc.enableDnsHostnames)) {
    const reason = `Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for ${inputs.vpcId}`;
    refuse(OPERATION, "InvalidParameter", reason);
  }
}
