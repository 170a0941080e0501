// Part of the simulated EC2: network interfaces.
import { type Properties, text, texts } from "../../engine/properties.ts";
import { formatAddress, isReserved, parseAddress, parseBlock } from "../cidr.ts";
import { ACCOUNT, arn, type Cloud, need, needId, refuse } from "../cloud.ts";
import { idOf, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";
import { newId } from "../store.ts";

export const networkInterface: Description = {
  kind: "interface",
  title: "EC2 Network Interface",
  fields: {
    subnetId: { shape: "text", required: true, replaces: true, test: idOf("subnet") },
    privateIps: { chosen: true, shape: "texts", test: (value) => addressFailure(value) },
    securityGroups: { chosen: true, shape: "texts", test: idOf("sg") },
    description: { shape: "text" },
    sourceDestCheck: { shape: "flag", initial: true },
    tags: TAGS,
  },
  computed: ["arn", "privateIp", "privateDnsName", "macAddress", "ownerId", "interfaceType", "attachments"],
  // An interface keeps its first address as long as it lives.
  replaces: (path, before, after) =>
    path.startsWith("privateIps") && !texts(after, "privateIps").includes(text(before, "privateIp") ?? ""),

  create(cloud, inputs) {
    const operation = "CreateNetworkInterface";
    const subnet = need(cloud, operation, "subnet", inputs, "subnetId");
    const addresses = texts(inputs, "privateIps");
    for (const address of addresses) refuseAddress(cloud, operation, inputs, subnet, address);
    const privateIps = addresses.length > 0 ? addresses : [freeAddress(cloud, operation, inputs, subnet)];
    const id = newId("eni");
    const privateIp = privateIps[0] ?? "";
    const computed = {
      arn: arn(cloud, "ec2", `network-interface/${id}`),
      privateIp,
      privateIps,
      securityGroups: groupsOf(cloud, operation, inputs, subnet),
      privateDnsName: `ip-${privateIp.replaceAll(".", "-")}.${cloud.region}.compute.internal`,
      macAddress: `02:00:00:00:01:${Number(privateIp.split(".")[3]).toString(16).padStart(2, "0")}`,
      ownerId: ACCOUNT,
      interfaceType: "interface",
      attachments: [],
    };
    return { id, computed };
  },

  async update(cloud, _id, before, after) {
    const operation = "ModifyNetworkInterfaceAttribute";
    const subnet = need(cloud, operation, "subnet", before, "subnetId");
    const added = texts(after, "privateIps").filter((it) => !texts(before, "privateIps").includes(it));
    for (const address of added) refuseAddress(cloud, "AssignPrivateIpAddresses", before, subnet, address);
    return after.securityGroups === undefined
      ? {}
      : { securityGroups: groupsOf(cloud, operation, after, subnet) };
  },

  remove(_cloud, id, thing) {
    if (instanceOf(thing) === undefined) return;
    refuse(
      "DeleteNetworkInterface",
      "InvalidParameterValue",
      `Network interface '${id}' is currently in use.`,
    );
  },
};

function addressFailure(value: unknown): string | undefined {
  if (typeof value === "string" && parseAddress(value) !== undefined) return undefined;
  return `expected a valid IPv4 address, got: ${value}`;
}

/** The instance that an interface is attached to. */
export function instanceOf(thing: Properties): string | undefined {
  const [attachment] = Array.isArray(thing.attachments) ? thing.attachments : [];
  return typeof attachment === "object" && attachment !== null && !Array.isArray(attachment)
    ? text(attachment, "instance")
    : undefined;
}

function refuseAddress(
  cloud: Cloud,
  operation: string,
  inputs: Properties,
  subnet: Properties,
  address: string,
): void {
  const block = parseBlock(text(subnet, "cidrBlock") ?? "");
  const number = parseAddress(address);
  if (!block || number === undefined || number < block.first || number > block.last) {
    refuse(
      operation,
      "InvalidParameterValue",
      `Address ${address} does not fall within the subnet's address range`,
    );
  }
  if (isReserved(block, number)) {
    refuse(operation, "InvalidParameterValue", `Address ${address} is in subnet's reserved address range`);
  }
  if (usedAddresses(cloud, text(inputs, "subnetId")).includes(address)) {
    refuse(operation, "InvalidIPAddress.InUse", `Address ${address} is in use.`);
  }
}

function usedAddresses(cloud: Cloud, subnetId: string | undefined): string[] {
  const things = [...cloud.store.list("interface"), ...cloud.store.list("nat-gateway")];
  const inSubnet = things.filter(({ thing }) => thing.subnetId === subnetId);
  return inSubnet.flatMap(({ thing }) => [text(thing, "privateIp") ?? "", ...texts(thing, "privateIps")]);
}

export function freeAddress(cloud: Cloud, operation: string, inputs: Properties, subnet: Properties): string {
  const block = parseBlock(text(subnet, "cidrBlock") ?? "");
  const used = usedAddresses(cloud, text(inputs, "subnetId"));
  for (let number = (block?.first ?? 0) + 4; number < (block?.last ?? 0); number++) {
    if (!used.includes(formatAddress(number))) return formatAddress(number);
  }
  return refuse(
    operation,
    "InsufficientFreeAddressesInSubnet",
    "The specified subnet does not have enough free addresses to satisfy the request.",
  );
}

/** The groups of an interface: the named ones of its VPC, or the VPC's default one. */
function groupsOf(cloud: Cloud, operation: string, inputs: Properties, subnet: Properties): string[] {
  const named = texts(inputs, "securityGroups");
  for (const id of named) {
    const group = needId(cloud, operation, "security-group", id);
    if (group.vpcId !== subnet.vpcId) {
      refuse(
        operation,
        "InvalidParameterValue",
        `You have specified two resources that belong to different networks: ${id} and ${inputs.subnetId}`,
      );
    }
  }
  const own = text(needId(cloud, operation, "vpc", text(subnet, "vpcId") ?? ""), "defaultSecurityGroupId");
  return named.length > 0 ? named : [own ?? ""];
}
