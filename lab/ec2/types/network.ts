// Part of the simulated EC2: VPCs and their subnets.
import { type Properties, text } from "../../engine/properties.ts";
import { type Block, contains, overlap, parseBlock } from "../cidr.ts";
import { ACCOUNT, arn, type Cloud, need, refuse, refuseInUse } from "../cloud.ts";
import { type Field, idOf, oneOf, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";
import { newId } from "../store.ts";
import { refuseZone, ZONE } from "./volume.ts";

export const CIDR: Field = {
  shape: "text",
  test: (value) =>
    typeof value === "string" && parseBlock(value)
      ? undefined
      : `${JSON.stringify(value)} is not a valid IPv4 CIDR block: address/length, the address being the block's first`,
};

export const vpc: Description = {
  kind: "vpc",
  title: "EC2 VPC",
  fields: {
    cidrBlock: { ...CIDR, required: true, replaces: true },
    enableDnsSupport: { shape: "flag", initial: true },
    enableDnsHostnames: { shape: "flag", initial: false },
    instanceTenancy: { shape: "text", initial: "default", test: oneOf("default", "dedicated") },
    tags: TAGS,
  },
  computed: ["arn", "ownerId", "defaultSecurityGroupId", "mainRouteTableId"],

  create(cloud, inputs) {
    refuseLength("CreateVpc", "InvalidVpc.Range", text(inputs, "cidrBlock") ?? "");
    const id = newId("vpc");
    const defaultSecurityGroupId = newId("sg");
    const group = { name: "default", vpcId: id, isDefault: true, region: cloud.region };
    cloud.store.put("security-group", defaultSecurityGroupId, group);
    const mainRouteTableId = newId("rtb");
    const computed = {
      arn: arn(cloud, "ec2", `vpc/${id}`),
      ownerId: ACCOUNT,
      defaultSecurityGroupId,
      mainRouteTableId,
    };
    return { id, computed };
  },

  remove(cloud, id, thing) {
    const inVpc = (other: Properties) => other.vpcId === id;
    refuseInUse(cloud, "DeleteVpc", id, {
      subnet: inVpc,
      "security-group": (group) => inVpc(group) && group.isDefault !== true,
      "internet-gateway": inVpc,
      "route-table": inVpc,
      "vpc-endpoint": inVpc,
    });
    cloud.store.remove("security-group", text(thing, "defaultSecurityGroupId") ?? "");
  },
};

export const subnet: Description = {
  kind: "subnet",
  title: "EC2 Subnet",
  fields: {
    vpcId: { shape: "text", required: true, replaces: true, test: idOf("vpc") },
    cidrBlock: { ...CIDR, required: true, replaces: true },
    availabilityZone: { chosen: true, shape: "text", replaces: true, test: ZONE },
    mapPublicIpOnLaunch: { shape: "flag", initial: false },
    tags: TAGS,
  },
  computed: ["arn", "ownerId"],

  create(cloud, inputs) {
    const operation = "CreateSubnet";
    const cidr = text(inputs, "cidrBlock") ?? "";
    const zone = text(inputs, "availabilityZone") ?? `${cloud.region}a`;
    const parent = need(cloud, operation, "vpc", inputs, "vpcId");
    const block = refuseLength(operation, "InvalidSubnet.Range", cidr);
    const outer = parseBlock(text(parent, "cidrBlock") ?? "");
    if (!outer || !contains(outer, block))
      refuse(operation, "InvalidSubnet.Range", `The CIDR '${cidr}' is invalid.`);
    refuseConflict(cloud, operation, inputs.vpcId ?? null, cidr, block);
    refuseZone(cloud, operation, zone);
    const id = newId("subnet");
    return {
      id,
      computed: { arn: arn(cloud, "ec2", `subnet/${id}`), ownerId: ACCOUNT, availabilityZone: zone },
    };
  },

  remove(cloud, id) {
    refuseInUse(cloud, "DeleteSubnet", id, {
      interface: ({ subnetId }) => subnetId === id,
      "nat-gateway": ({ subnetId }) => subnetId === id,
      "vpc-endpoint": ({ subnetIds }) => Array.isArray(subnetIds) && subnetIds.includes(id),
      "load-balancer": ({ subnets }) => Array.isArray(subnets) && subnets.includes(id),
    });
  },
};

function refuseLength(operation: string, code: string, cidr: string): Block {
  const block = parseBlock(cidr);
  if (block && block.length >= 16 && block.length <= 28) return block;
  return refuse(operation, code, `The CIDR '${cidr}' is invalid: it is between /16 and /28.`);
}

function refuseConflict(cloud: Cloud, operation: string, vpcId: unknown, cidr: string, block: Block): void {
  for (const { thing } of cloud.store.list("subnet")) {
    const other = parseBlock(text(thing, "cidrBlock") ?? "");
    if (thing.vpcId === vpcId && other && overlap(other, block))
      refuse(operation, "InvalidSubnet.Conflict", `The CIDR '${cidr}' conflicts with another subnet`);
  }
}
