// Part of the simulated EC2: security groups and their rules. What they would let through is not enforced.
import { isIPv6 } from "node:net";
import { number, type Properties, text, UNKNOWN } from "../../engine/properties.ts";
import type { Failure } from "../../engine/provider.ts";
import { ACCOUNT, arn, type Cloud, need, needId, refuse, refuseInUse } from "../cloud.ts";
import { between, idOf, matches, TAGS } from "../fields.ts";
import type { Description } from "../resource.ts";
import { newId } from "../store.ts";
import { CIDR } from "./network.ts";

const DESCRIPTION = matches(
  /^[0-9A-Za-z_ .:/()#,@[\]+=&;{}!$*-]{0,255}$/,
  "a description of at most 255 of the characters that EC2 allows",
);

export const securityGroup: Description = {
  kind: "security-group",
  title: "Security Group",
  fields: {
    name: {
      shape: "text",
      replaces: true,
      longestName: 255,
      test: matches(
        /^(?!sg-)[0-9A-Za-z_ .:/()#,@[\]+=&;{}!$*-]{1,255}$/,
        "a name that does not begin with sg-",
      ),
    },
    description: { shape: "text", replaces: true, initial: "Managed by Pulumi", test: DESCRIPTION },
    vpcId: { shape: "text", required: true, replaces: true, test: idOf("vpc") },
    revokeRulesOnDelete: { shape: "flag", initial: false },
    tags: TAGS,
  },
  computed: ["arn", "ownerId"],

  create(cloud, inputs) {
    const operation = "CreateSecurityGroup";
    need(cloud, operation, "vpc", inputs, "vpcId");
    const same = ({ thing }: { thing: Properties }) =>
      thing.name === inputs.name && thing.vpcId === inputs.vpcId;
    if (cloud.store.list("security-group").some(same)) {
      const reason = `The security group '${inputs.name}' already exists for VPC '${inputs.vpcId}'`;
      refuse(operation, "InvalidGroup.Duplicate", reason);
    }
    const id = newId("sg");
    return { id, computed: { arn: arn(cloud, "ec2", `security-group/${id}`), ownerId: ACCOUNT } };
  },

  remove(cloud, id) {
    const names = (groups: Properties[string] | undefined) => Array.isArray(groups) && groups.includes(id);
    const otherRule = (rule: Properties) =>
      rule.referencedSecurityGroupId === id && rule.securityGroupId !== id;
    refuseInUse(cloud, "DeleteSecurityGroup", id, {
      interface: ({ securityGroups }) => names(securityGroups),
      "load-balancer": ({ securityGroups }) => names(securityGroups),
      "vpc-endpoint": ({ securityGroupIds }) => names(securityGroupIds),
      "ingress-rule": otherRule,
      "egress-rule": otherRule,
    });
    for (const kind of ["ingress-rule", "egress-rule"]) {
      const own = cloud.store.list(kind).filter(({ thing }) => thing.securityGroupId === id);
      for (const rule of own) cloud.store.remove(kind, rule.id);
    }
  },
};

const SOURCES = ["cidrIpv4", "cidrIpv6", "referencedSecurityGroupId"];
const SAME_RULE = [...SOURCES, "securityGroupId", "ipProtocol", "fromPort", "toPort"];

function rule(direction: "Ingress" | "Egress"): Description {
  const kind = `${direction.toLowerCase()}-rule`;
  return {
    kind,
    title: `VPC Security Group ${direction} Rule`,
    fields: {
      securityGroupId: { shape: "text", required: true, replaces: true, test: idOf("sg") },
      cidrIpv4: CIDR,
      cidrIpv6: {
        shape: "text",
        test: (value) =>
          isIPv6(String(value).split("/")[0] ?? "") ? undefined : `${value} is not a valid IPv6 CIDR block`,
      },
      referencedSecurityGroupId: { shape: "text", test: idOf("sg") },
      ipProtocol: {
        shape: "text",
        required: true,
        test: matches(/^(-1|tcp|udp|icmp|icmpv6)$/, "a protocol"),
      },
      fromPort: { shape: "number", test: between(-1, 65_535) },
      toPort: { shape: "number", test: between(-1, 65_535) },
      description: { shape: "text", test: DESCRIPTION },
      tags: TAGS,
    },
    computed: ["arn", "securityGroupRuleId"],
    rules: ruleFailures,

    create(cloud, inputs) {
      refuseRule(cloud, `AuthorizeSecurityGroup${direction}`, kind, inputs);
      const id = newId("sgr");
      const ruleArn = arn(cloud, "ec2", `security-group-rule/${id}`);
      return { id, computed: { arn: ruleArn, securityGroupRuleId: id } };
    },

    async update(cloud, id, _before, after) {
      refuseRule(cloud, "ModifySecurityGroupRules", kind, after, id);
      return {};
    },
  };
}

export const ingressRule = rule("Ingress");
export const egressRule = rule("Egress");

function ruleFailures(inputs: Properties): Failure[] {
  const sources = SOURCES.filter((key) => inputs[key] !== undefined);
  if (sources.length !== 1) {
    const reason = `Exactly one of these attributes must be configured: [${SOURCES.join(", ")}], got ${sources.length}`;
    return [{ property: sources[1] ?? "cidrIpv4", reason }];
  }
  if (inputs.ipProtocol === "-1" || inputs.ipProtocol === UNKNOWN) return [];
  const missing = ["fromPort", "toPort"].filter((key) => inputs[key] === undefined);
  return missing.map((property) => ({
    property,
    reason: `${property} is needed with the protocol ${inputs.ipProtocol}`,
  }));
}

function refuseRule(cloud: Cloud, operation: string, kind: string, inputs: Properties, own?: string): void {
  const group = need(cloud, operation, "security-group", inputs, "securityGroupId");
  const [from, to] = [number(inputs, "fromPort") ?? 0, number(inputs, "toPort") ?? 0];
  if (from > to) refuse(operation, "InvalidParameterValue", `Invalid TCP/UDP port range (${from}:${to})`);
  const referenced = text(inputs, "referencedSecurityGroupId");
  if (referenced !== undefined) {
    const other = needId(cloud, operation, "security-group", referenced);
    if (other.vpcId !== group.vpcId)
      refuse(
        operation,
        "InvalidGroup.NotFound",
        `You have specified two resources that belong to different networks.`,
      );
  }
  const same = cloud.store
    .list(kind)
    .find(({ id, thing }) => id !== own && SAME_RULE.every((key) => thing[key] === inputs[key]));
  if (same) {
    const source = SOURCES.map((key) => text(inputs, key)).find((value) => value !== undefined);
    const reason = `the specified rule "peer: ${source}, ${String(inputs.ipProtocol).toUpperCase()}, from port: ${from}, to port: ${to}, ALLOW" already exists`;
    refuse(operation, "InvalidPermission.Duplicate", reason);
  }
}
