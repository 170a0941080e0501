// Part of the simulated EC2: network load balancers. They are recorded and checked; nothing listens.
import { createHash, randomBytes } from "node:crypto";
import { isObject, type Properties, text, texts } from "../../engine/properties.ts";
import { arn, type Cloud, needId, refuse } from "../cloud.ts";
import { between, type Field, idOf, matches, oneOf, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";

const SERVICE = "Elastic Load Balancing v2";
const NAME: Field = {
  shape: "text",
  replaces: true,
  longestName: 32,
  test: matches(/^(?!-|internal-)[0-9A-Za-z-]{1,32}(?<!-)$/, "a name of 1 to 32 letters, digits and hyphens"),
};
const PORT: Field = { shape: "number", test: between(1, 65_535) };

export const loadBalancer: Description = {
  kind: "load-balancer",
  title: "ELBv2 Load Balancer",
  fields: {
    name: NAME,
    loadBalancerType: { shape: "text", required: true, replaces: true, test: oneOf("network") },
    internal: { shape: "flag", replaces: true, initial: false },
    subnets: { shape: "texts", required: true, test: idOf("subnet") },
    securityGroups: { shape: "texts", test: idOf("sg") },
    enableCrossZoneLoadBalancing: { shape: "flag", initial: false },
    enableDeletionProtection: { shape: "flag", initial: false },
    ipAddressType: { shape: "text", initial: "ipv4", test: oneOf("ipv4", "dualstack") },
    tags: TAGS,
  },
  computed: ["arn", "arnSuffix", "dnsName", "vpcId", "zoneId"],
  // A load balancer without security groups never gets any, and one with them never loses all. No subnet is taken away.
  replaces: (path, before, after) =>
    (path.startsWith("securityGroups") &&
      texts(before, "securityGroups").length > 0 !== texts(after, "securityGroups").length > 0) ||
    (path.startsWith("subnets") &&
      texts(before, "subnets").some((subnet) => !texts(after, "subnets").includes(subnet))),

  create(cloud, inputs) {
    const operation = "CreateLoadBalancer";
    refuseName(cloud, operation, "load-balancer", inputs, "DuplicateLoadBalancerName");
    const subnets = texts(inputs, "subnets").map((id) => needId(cloud, operation, "subnet", id));
    for (const id of texts(inputs, "securityGroups")) needId(cloud, operation, "security-group", id);
    const zones = subnets.map(({ availabilityZone }) => availabilityZone);
    if (new Set(zones).size < zones.length) {
      const reason = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
      refuse(operation, "InvalidConfigurationRequest", reason, SERVICE);
    }
    const key = randomBytes(8).toString("hex");
    const arnSuffix = `net/${inputs.name}/${key}`;
    const id = arn(cloud, "elasticloadbalancing", `loadbalancer/${arnSuffix}`);
    const dnsName = `${inputs.name}-${key}.elb.${cloud.region}.amazonaws.com`;
    const computed = {
      arn: id,
      arnSuffix,
      dnsName,
      vpcId: subnets[0]?.vpcId ?? null,
      zoneId: "Z3F0SRJ5LGBH90",
    };
    return { id, computed };
  },

  async retire(_cloud, id, thing) {
    if (thing.enableDeletionProtection === true) {
      const reason = `Load balancer '${id}' cannot be deleted because deletion protection is enabled`;
      refuse("DeleteLoadBalancer", "OperationNotPermitted", reason, SERVICE);
    }
  },

  remove(cloud, id) {
    const listeners = cloud.store.list("listener").filter(({ thing }) => thing.loadBalancerArn === id);
    for (const listener of listeners) cloud.store.remove("listener", listener.id);
  },
};

export const targetGroup: Description = {
  kind: "target-group",
  title: "ELBv2 Target Group",
  fields: {
    name: NAME,
    port: { ...PORT, required: true, replaces: true },
    protocol: { shape: "text", required: true, replaces: true, test: oneOf("TCP") },
    targetType: { shape: "text", replaces: true, initial: "instance", test: oneOf("instance", "ip") },
    vpcId: { shape: "text", required: true, replaces: true, test: idOf("vpc") },
    deregistrationDelay: { shape: "number", initial: 300, test: between(0, 3600) },
    connectionTermination: { shape: "flag", initial: false },
    preserveClientIp: { chosen: true, shape: "text" },
    healthCheck: {
      chosen: true,
      shape: {
        enabled: { shape: "flag", initial: true },
        protocol: { shape: "text", initial: "TCP", test: oneOf("TCP", "HTTP", "HTTPS") },
        port: { shape: "text", initial: "traffic-port" },
        path: { shape: "text" },
        matcher: { shape: "text" },
        interval: { shape: "number", initial: 30, test: between(5, 300) },
        timeout: { shape: "number", test: between(2, 120) },
        healthyThreshold: { shape: "number", initial: 3, test: between(2, 10) },
        unhealthyThreshold: { shape: "number", initial: 3, test: between(2, 10) },
      },
    },
    tags: TAGS,
  },
  computed: ["arn", "arnSuffix"],

  create(cloud, inputs) {
    const operation = "CreateTargetGroup";
    needId(cloud, operation, "vpc", text(inputs, "vpcId") ?? "");
    refuseName(cloud, operation, "target-group", inputs, "DuplicateTargetGroupName");
    const arnSuffix = `targetgroup/${inputs.name}/${randomBytes(8).toString("hex")}`;
    const id = arn(cloud, "elasticloadbalancing", arnSuffix);
    return { id, computed: { arn: id, arnSuffix } };
  },

  remove(cloud, id) {
    if (!cloud.store.list("listener").some(({ thing }) => forwardsTo(thing, id))) return;
    const reason = `Target group '${id}' is currently in use by a listener or a rule`;
    refuse("DeleteTargetGroup", "ResourceInUse", reason, SERVICE);
  },
};

export const targetGroupAttachment: Description = {
  kind: "target-group-attachment",
  title: "ELBv2 Target Group Attachment",
  fields: {
    targetGroupArn: { shape: "text", required: true, replaces: true },
    targetId: { shape: "text", required: true, replaces: true },
    port: { ...PORT, replaces: true },
    availabilityZone: { shape: "text", replaces: true },
  },
  computed: [],

  create(cloud, inputs) {
    const groupArn = text(inputs, "targetGroupArn") ?? "";
    const group = needBalancing(cloud, "RegisterTargets", "target-group", groupArn);
    const target = text(inputs, "targetId") ?? "";
    if (group.targetType === "instance") needId(cloud, "RegisterTargets", "instance", target);
    const key = createHash("sha1").update(`${target}:${inputs.port}`).digest("hex").slice(0, 17);
    return { id: `${groupArn}-${key}`, computed: {} };
  },
};

export const listener: Description = {
  kind: "listener",
  title: "ELBv2 Listener",
  fields: {
    loadBalancerArn: { shape: "text", required: true, replaces: true },
    port: { ...PORT, required: true },
    protocol: { shape: "text", required: true, test: oneOf("TCP") },
    defaultActions: {
      shape: [
        {
          type: { shape: "text", required: true, test: oneOf("forward") },
          targetGroupArn: { shape: "text", required: true },
        },
      ],
      required: true,
    },
    tags: TAGS,
  },
  computed: ["arn"],

  create(cloud, inputs) {
    const operation = "CreateListener";
    const balancerArn = text(inputs, "loadBalancerArn") ?? "";
    needBalancing(cloud, operation, "load-balancer", balancerArn);
    for (const action of actionsOf(inputs))
      needBalancing(cloud, operation, "target-group", text(action, "targetGroupArn") ?? "");
    const same = ({ thing }: { thing: Properties }) =>
      thing.loadBalancerArn === balancerArn && thing.port === inputs.port;
    if (cloud.store.list("listener").some(same))
      refuse(operation, "DuplicateListener", "A listener already exists on this port", SERVICE);
    for (const { targetGroupArn } of actionsOf(inputs))
      refuseShared(cloud, String(targetGroupArn), balancerArn);
    const id = `${balancerArn.replace(":loadbalancer/", ":listener/")}/${randomBytes(8).toString("hex")}`;
    return { id, computed: { arn: id } };
  },
};

/** A target group is behind one load balancer. */
function refuseShared(cloud: Cloud, group: string, balancer: string): void {
  const others = cloud.store.list("listener").filter(({ thing }) => thing.loadBalancerArn !== balancer);
  if (!others.some(({ thing }) => forwardsTo(thing, group))) return;
  const reason = `The following target groups cannot be associated with more than one load balancer: ${group}`;
  refuse("CreateListener", "TargetGroupAssociationLimit", reason, SERVICE);
}

function needBalancing(cloud: Cloud, operation: string, kind: string, id: string): Properties {
  const thing = cloud.store.get(kind, id);
  if (thing) return thing;
  const [code, what] =
    kind === "target-group"
      ? (["TargetGroupNotFound", "target groups"] as const)
      : (["LoadBalancerNotFound", "load balancers"] as const);
  return refuse(operation, code, `One or more ${what} not found: ${id}`, SERVICE);
}

function refuseName(cloud: Cloud, operation: string, kind: string, { name }: Properties, code: string): void {
  if (cloud.store.list(kind).some(({ thing }) => thing.name === name))
    refuse(operation, code, `There is already one with the name '${name}'`, SERVICE);
}

function actionsOf({ defaultActions }: Properties): Properties[] {
  return Array.isArray(defaultActions) ? defaultActions.filter((action) => isObject(action)) : [];
}

function forwardsTo(thing: Properties, group: string): boolean {
  return actionsOf(thing).some(({ targetGroupArn }) => targetGroupArn === group);
}
