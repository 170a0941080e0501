// Part of the simulated EC2: route tables, routes and associations. The lab's network has no routers: none of this is enforced.
import { createHash } from "node:crypto";
import { type Properties, text } from "../../engine/properties.ts";
import { ACCOUNT, arn, type Cloud, need, refuse, refuseInUse } from "../cloud.ts";
import { idOf, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";
import { newId } from "../store.ts";
import { CIDR } from "./network.ts";

export const routeTable: Description = {
  kind: "route-table",
  title: "EC2 Route Table",
  fields: {
    vpcId: { shape: "text", required: true, replaces: true, test: idOf("vpc") },
    tags: TAGS,
  },
  computed: ["arn", "ownerId"],

  create(cloud, inputs) {
    need(cloud, "CreateRouteTable", "vpc", inputs, "vpcId");
    const id = newId("rtb");
    return { id, computed: { arn: arn(cloud, "ec2", `route-table/${id}`), ownerId: ACCOUNT } };
  },

  remove(cloud, id) {
    refuseInUse(cloud, "DeleteRouteTable", id, {
      "route-table-association": ({ routeTableId }) => routeTableId === id,
    });
    const routes = cloud.store.list("route").filter(({ thing }) => thing.routeTableId === id);
    for (const route of routes) cloud.store.remove("route", route.id);
  },
};

const TARGETS = ["gatewayId", "natGatewayId"];

export const route: Description = {
  kind: "route",
  title: "Route",
  fields: {
    routeTableId: { shape: "text", required: true, replaces: true, test: idOf("rtb") },
    destinationCidrBlock: { ...CIDR, required: true, replaces: true },
    gatewayId: { shape: "text", test: idOf("igw") },
    natGatewayId: { shape: "text", test: idOf("nat") },
  },
  computed: ["origin", "state"],
  rules: (inputs) => {
    const targets = TARGETS.filter((key) => inputs[key] !== undefined);
    if (targets.length === 1) return [];
    return [{ property: "gatewayId", reason: `one of ${TARGETS.join(", ")} must be specified` }];
  },

  create(cloud, inputs) {
    const operation = "CreateRoute";
    refuseTarget(cloud, operation, inputs);
    const [table, destination] = [text(inputs, "routeTableId"), text(inputs, "destinationCidrBlock")];
    const id = `r-${table}${createHash("sha1").update(`${destination}`).digest("hex").slice(0, 9)}`;
    if (cloud.store.get("route", id))
      refuse(operation, "RouteAlreadyExists", `The route identified by ${destination} already exists.`);
    return { id, computed: { origin: "CreateRoute", state: "active" } };
  },

  async update(cloud, _id, _before, after) {
    refuseTarget(cloud, "ReplaceRoute", after);
    return {};
  },
};

/** The target exists, and is in the table's own VPC. */
function refuseTarget(cloud: Cloud, operation: string, inputs: Properties): void {
  const { vpcId } = need(cloud, operation, "route-table", inputs, "routeTableId");
  const [kind, key] =
    inputs.gatewayId === undefined ? ["nat-gateway", "natGatewayId"] : ["internet-gateway", "gatewayId"];
  if (need(cloud, operation, kind, inputs, key).vpcId === vpcId) return;
  const reason = `route table ${inputs.routeTableId} and network gateway ${inputs[key]} belong to different networks`;
  refuse(operation, "InvalidParameterValue", reason);
}

export const routeTableAssociation: Description = {
  kind: "route-table-association",
  title: "Route Table Association",
  fields: {
    routeTableId: { shape: "text", required: true, test: idOf("rtb") },
    subnetId: { shape: "text", required: true, replaces: true, test: idOf("subnet") },
  },
  computed: [],

  create(cloud, inputs) {
    refuseTable(cloud, "AssociateRouteTable", inputs);
    const same = cloud.store
      .list("route-table-association")
      .some(({ thing }) => thing.subnetId === inputs.subnetId);
    if (same) {
      const reason = `the specified association for route table ${inputs.routeTableId} conflicts with an existing association`;
      refuse("AssociateRouteTable", "Resource.AlreadyAssociated", reason);
    }
    return { id: newId("rtbassoc"), computed: {} };
  },

  async update(cloud, _id, _before, after) {
    refuseTable(cloud, "ReplaceRouteTableAssociation", after);
    return {};
  },
};

function refuseTable(cloud: Cloud, operation: string, inputs: Properties): void {
  const table = need(cloud, operation, "route-table", inputs, "routeTableId");
  if (need(cloud, operation, "subnet", inputs, "subnetId").vpcId === table.vpcId) return;
  const reason = `Route table ${inputs.routeTableId} and subnet ${inputs.subnetId} belong to different networks`;
  refuse(operation, "InvalidParameterValue", reason);
}
