// Part of the simulated EC2: internet and NAT gateways, and Elastic IPs. No packet leaves the lab through them.
import { type Properties, text } from "../../engine/properties.ts";
import { ACCOUNT, arn, type Cloud, need, refuse } from "../cloud.ts";
import { idOf, oneOf, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";
import { newId } from "../store.ts";
import { freeAddress } from "./interface.ts";

export const internetGateway: Description = {
  kind: "internet-gateway",
  title: "EC2 Internet Gateway",
  fields: { vpcId: { shape: "text", test: idOf("vpc") }, tags: TAGS },
  computed: ["arn", "ownerId"],

  create(cloud, inputs) {
    const operation = "AttachInternetGateway";
    if (inputs.vpcId !== undefined) need(cloud, operation, "vpc", inputs, "vpcId");
    if (gatewayOf(cloud, text(inputs, "vpcId"))) {
      const reason = `Network ${inputs.vpcId} already has an internet gateway attached`;
      refuse(operation, "InvalidParameterValue", reason);
    }
    const id = newId("igw");
    return { id, computed: { arn: arn(cloud, "ec2", `internet-gateway/${id}`), ownerId: ACCOUNT } };
  },

  remove(cloud, _id, { vpcId }) {
    const inVpc = ({ thing }: { thing: Properties }) => vpcOf(cloud, text(thing, "subnetId")) === vpcId;
    const cards = cloud.store.list("interface").filter(inVpc);
    const mapped = cloud.store
      .list("eip")
      .some(({ thing }) => cards.some(({ id }) => id === thing.networkInterface));
    if (vpcId === undefined || (!mapped && !cloud.store.list("nat-gateway").some(inVpc))) return;
    const reason = `Network ${vpcId} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`;
    refuse("DetachInternetGateway", "DependencyViolation", reason);
  },
};

export const natGateway: Description = {
  kind: "nat-gateway",
  title: "EC2 NAT Gateway",
  fields: {
    subnetId: { shape: "text", required: true, replaces: true, test: idOf("subnet") },
    allocationId: { shape: "text", replaces: true, test: idOf("eipalloc") },
    connectivityType: {
      shape: "text",
      replaces: true,
      initial: "public",
      test: oneOf("public", "private"),
    },
    tags: TAGS,
  },
  computed: ["networkInterfaceId", "privateIp", "publicIp", "vpcId"],
  rules: (inputs) =>
    inputs.connectivityType !== "private" && inputs.allocationId === undefined
      ? [{ property: "allocationId", reason: "a public NAT gateway needs an allocationId" }]
      : [],

  create(cloud, inputs) {
    const operation = "CreateNatGateway";
    const subnet = need(cloud, operation, "subnet", inputs, "subnetId");
    const isPublic = inputs.connectivityType === "public";
    const eip = isPublic ? need(cloud, operation, "eip", inputs, "allocationId") : {};
    if (isPublic) refuseUsed(cloud, operation, inputs, eip);
    if (isPublic && !gatewayOf(cloud, text(subnet, "vpcId")))
      refuse(operation, "Gateway.NotAttached", `Network ${subnet.vpcId} has no Internet gateway attached`);
    const computed = {
      networkInterfaceId: newId("eni"),
      privateIp: freeAddress(cloud, operation, inputs, subnet),
      publicIp: eip.publicIp ?? "",
      vpcId: subnet.vpcId ?? null,
    };
    return { id: newId("nat"), computed };
  },
};

function refuseUsed(cloud: Cloud, operation: string, { allocationId }: Properties, eip: Properties): void {
  const used = cloud.store.list("nat-gateway").some(({ thing }) => thing.allocationId === allocationId);
  if (used || eip.networkInterface !== "")
    refuse(
      operation,
      "Resource.AlreadyAssociated",
      `Elastic IP address [${allocationId}] is already associated`,
    );
}

const OPERATION = "AssociateAddress";

export const eip: Description = {
  kind: "eip",
  title: "EC2 EIP",
  fields: {
    domain: { shape: "text", replaces: true, initial: "vpc", test: oneOf("vpc") },
    instance: { chosen: true, shape: "text", test: idOf("i") },
    networkInterface: { chosen: true, shape: "text", test: idOf("eni") },
    tags: TAGS,
  },
  computed: ["allocationId", "arn", "associationId", "privateIp", "publicDns", "publicIp"],
  rules: (inputs) =>
    inputs.instance !== undefined && inputs.networkInterface !== undefined
      ? [{ property: "instance", reason: "give instance or networkInterface, not both" }]
      : [],

  create(cloud, inputs) {
    const id = newId("eipalloc");
    const used = cloud.store.list("eip").map(({ thing }) => thing.publicIp);
    // 203.0.113.0/24 is for documentation: it leads nowhere.
    const free = Array.from({ length: 254 }, (_, n) => `203.0.113.${n + 1}`).find((it) => !used.includes(it));
    if (free === undefined)
      return refuse(
        "AllocateAddress",
        "AddressLimitExceeded",
        "The maximum number of addresses has been reached.",
      );
    const computed = {
      allocationId: id,
      arn: arn(cloud, "ec2", `elastic-ip/${id}`),
      publicIp: free,
      publicDns: `ec2-${free.replaceAll(".", "-")}.${cloud.region}.compute.amazonaws.com`,
      ...association(cloud, inputs),
    };
    return { id, computed };
  },

  update: async (cloud, _id, _before, after) => association(cloud, after),

  remove(cloud, id) {
    if (cloud.store.list("nat-gateway").some(({ thing }) => thing.allocationId === id))
      refuse("ReleaseAddress", "InvalidIPAddress.InUse", `The address '${id}' is in use.`);
  },
};

/** The target of an address: an interface, or that of an instance. */
function association(cloud: Cloud, inputs: Properties): Properties {
  const instance =
    inputs.instance === undefined ? undefined : need(cloud, OPERATION, "instance", inputs, "instance");
  const cardId = text(inputs, "networkInterface") ?? text(instance ?? {}, "primaryNetworkInterfaceId");
  if (cardId === undefined) return { networkInterface: "", instance: "", associationId: "", privateIp: "" };
  const card = need(cloud, OPERATION, "interface", { cardId }, "cardId");
  const vpcId = vpcOf(cloud, text(card, "subnetId"));
  if (!gatewayOf(cloud, vpcId))
    refuse(OPERATION, "Gateway.NotAttached", `Network ${vpcId} is not attached to any internet gateway`);
  return {
    networkInterface: cardId,
    instance: text(inputs, "instance") ?? "",
    associationId: newId("eipassoc"),
    privateIp: card.privateIp ?? "",
  };
}

function gatewayOf(cloud: Cloud, vpcId: string | undefined): boolean {
  return (
    vpcId !== undefined && cloud.store.list("internet-gateway").some(({ thing }) => thing.vpcId === vpcId)
  );
}

function vpcOf(cloud: Cloud, subnetId: string | undefined): string | undefined {
  return text(cloud.store.get("subnet", subnetId ?? "") ?? {}, "vpcId");
}
