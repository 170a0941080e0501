/** On EC2: who may reach the machines, what they may do, and what they are made from. */

import { parseCidr } from "../../config/cidr.ts";
import { CLIENT_PORT, PEER_PORT } from "../../etcd/ports.ts";
import { type Json, record, text } from "../../lib/json.ts";
import type { Resource, State } from "./preview.ts";
import { type Found, NONE, shown } from "./security-row.ts";

export function cloudRows(resources: readonly Resource[]): readonly Found[] {
  const changing = resources.filter(({ type, changes }) => type.startsWith("aws:") && changes);
  return changing.flatMap((resource) => [
    ...ruleRow(resource),
    ...permissionRow(resource),
    ...publicRow(resource),
    ...machineRows(resource),
  ]);
}

/** How many addresses are as good as everybody: a /7 of IPv4, or a /15 of IPv6, and all that are wider. */
const WIDEST = { ipv4: 7, ipv6: 15 } as const;

function isEverybody(end: string): boolean {
  const cidr = parseCidr(end);
  return !("problem" in cidr) && cidr.prefix <= WIDEST[cidr.family];
}

const PORTS: Readonly<Record<number, string>> = { [CLIENT_PORT]: "clients", [PEER_PORT]: "peers", 22: "ssh" };

function ruleRow({ type, old, new: now, op }: Resource): readonly Found[] {
  const direction = /securityGroup(Ingress|Egress)Rule/i.exec(type)?.[1]?.toLowerCase();
  if (direction === undefined) return [];
  const isIn = direction === "ingress";
  const ends = {
    old: endOf(op === "create" ? {} : old.inputs),
    new: endOf(op === "delete" ? {} : now.inputs),
  };
  const { ipProtocol, fromPort, toPort } = op === "delete" ? old.inputs : now.inputs;
  const ports = fromPort === toPort ? `${shown(fromPort)}` : `${shown(fromPort)}-${shown(toPort)}`;
  const use = PORTS[Number(fromPort)] ?? "";
  return [
    {
      kind: "exposure",
      what: `${text(ipProtocol)} ${ports}${use && ` (${use})`}, ${isIn ? "from" : "to"}`,
      ...ends,
      note: isIn && isEverybody(ends.new) ? "EVERYBODY on the internet" : "",
    },
  ];
}

function endOf({ cidrIpv4, cidrIpv6, referencedSecurityGroupId, prefixListId }: Json): string {
  return shown(cidrIpv4 ?? cidrIpv6 ?? referencedSecurityGroupId ?? prefixListId);
}

const MADE: Readonly<Record<string, readonly [string, string]>> = {
  create: [NONE, "made"],
  delete: ["there", NONE],
};

/** Roles, their policies, and groups with rules of their own. */
function permissionRow({ type, name, op, diffReasons }: Resource): readonly Found[] {
  if (!type.startsWith("aws:iam/") && !/^aws:ec2\/(securityGroup:|vpcEndpoint)/.test(type)) return [];
  if (op === "protect") return [];
  const [old, now] = MADE[op] ?? ["there", `changed: ${diffReasons.join(", ")}`];
  return [{ kind: "exposure", what: `${name} (${type.split(":").at(-1)})`, old, new: now }];
}

/** A public address, or a load balancer that the internet reaches. */
function publicRow({ type, name, op, old, new: now }: Resource): readonly Found[] {
  if (/^aws:ec2\/eip:/.test(type) && op !== "update" && op !== "protect") {
    const [before, after] = MADE[op] ?? ["there", "another one"];
    return [{ kind: "exposure", what: `public address ${name}`, old: before, new: after }];
  }
  if (!/^aws:lb\/loadBalancer:/.test(type)) return [];
  const [before, after] = [old, now].map(({ inputs }) =>
    inputs.internal === false ? "the internet" : "the VPC",
  );
  if (before === after || before === undefined || after === undefined) return [];
  return [{ kind: "exposure", what: `${name}, reached from`, old: before, new: after }];
}

const IMAGE = { kind: "image", what: "image (aws.ami)" } as const;
const MACHINE: Readonly<Record<string, Pick<Found, "kind" | "what">>> = {
  ami: IMAGE,
  iamInstanceProfile: { kind: "exposure", what: "instance profile" },
  metadataOptions: { kind: "exposure", what: "instance metadata" },
  vpcSecurityGroupIds: { kind: "exposure", what: "security groups" },
  associatePublicIpAddress: { kind: "exposure", what: "public address" },
  encrypted: { kind: "exposure", what: "encryption of the data volume" },
  kmsKeyId: { kind: "trust", what: "key of the data volume (aws.kmsKeyId)" },
};

function machineRows({ type, name, op, old, new: now }: Resource): readonly Found[] {
  const node = /^aws:ec2\/instance:/.test(type)
    ? name.replace(/-instance$/, "")
    : /^aws:ebs\/volume:/.test(type)
      ? name.replace(/-data$/, "")
      : undefined;
  if (node === undefined || op === "delete") return [];
  if (op === "create")
    return type.startsWith("aws:ec2/")
      ? [{ ...IMAGE, hosts: [node], old: NONE, new: inputOf(now, "ami") }]
      : [];
  return Object.entries(MACHINE).flatMap(([key, row]) => {
    const [before, after] = [inputOf(old, key), inputOf(now, key)];
    return before === after ? [] : [{ ...row, hosts: [node], old: before, new: after }];
  });
}

function inputOf({ inputs }: State, key: string): string {
  const { __defaults: _, ...value } = record(inputs[key]);
  return Object.keys(value).length > 0 ? shown(value) : shown(inputs[key]);
}
