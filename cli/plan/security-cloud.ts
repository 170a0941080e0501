/** On EC2: who may reach the machines, what they may do, and what they are made from. */

import { parseCidr } from "../../config/cidr.ts";
import { CLIENT_PORT, PEER_PORT } from "../../etcd/ports.ts";
import { type Json, record, text } from "../../lib/json.ts";
import type { Resource, State } from "./preview.ts";
import { type Found, listed, NONE, shown } from "./security-row.ts";

export function cloudRows(resources: readonly Resource[]): readonly Found[] {
  const changing = resources.filter(({ type, changes }) => type.startsWith("aws:") && changes);
  return changing.flatMap((resource) => [
    ...ruleRow(resource),
    ...permissionRow(resource),
    ...publicRow(resource),
    ...machineRows(resource),
    ...tagRow(resource),
    ...zoneRow(resource),
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

interface Made extends Pick<Found, "kind" | "what"> {
  readonly read: (inputs: Json) => unknown;
  /** The program gives it to every machine: of a new one it is not worth a row. */
  readonly isUsual?: true;
}

const INSTANCE: readonly Made[] = [
  { kind: "image", what: "image (aws.ami)", read: ({ ami }) => ami },
  { kind: "exposure", what: "instance profile", read: ({ iamInstanceProfile }) => iamInstanceProfile },
  {
    kind: "exposure",
    what: "instance metadata",
    read: ({ metadataOptions }) => metadataOptions,
    isUsual: true,
  },
  { kind: "exposure", what: "security groups", read: ({ vpcSecurityGroupIds }) => vpcSecurityGroupIds },
  {
    kind: "exposure",
    what: "public address",
    read: ({ associatePublicIpAddress }) => associatePublicIpAddress,
  },
  {
    kind: "trust",
    what: "key of the root volume (aws.kmsKeyId)",
    read: ({ rootBlockDevice }) => record(rootBlockDevice).kmsKeyId,
  },
  {
    kind: "exposure",
    what: "encryption of the root volume",
    read: ({ rootBlockDevice }) => record(rootBlockDevice).encrypted,
    isUsual: true,
  },
];

const VOLUME: readonly Made[] = [
  {
    kind: "exposure",
    what: "encryption of the data volume",
    read: ({ encrypted }) => encrypted,
    isUsual: true,
  },
  { kind: "trust", what: "key of the data volume (aws.kmsKeyId)", read: ({ kmsKeyId }) => kmsKeyId },
];

/** What a machine is made from, one that is made again in place of a lost one too. */
function machineRows({ type, name, op, old, new: now }: Resource): readonly Found[] {
  const [made, suffix] = /^aws:ec2\/instance:/.test(type)
    ? [INSTANCE, "-instance"]
    : /^aws:ebs\/volume:/.test(type)
      ? [VOLUME, "-data"]
      : [[], ""];
  if (op === "delete") return [];
  const isNew = op === "create";
  return made.flatMap(({ kind, what, read, isUsual }) => {
    const before = isNew ? NONE : inputText(read(old.inputs));
    const after = inputText(read(now.inputs));
    if (before === after || (isNew && isUsual)) return [];
    return [{ kind, what, hosts: [name.replace(new RegExp(`${suffix}$`), "")], old: before, new: after }];
  });
}

function inputText(value: unknown): string {
  const { __defaults: _, ...fields } = record(value);
  return Object.keys(fields).length > 0 ? shown(fields) : shown(value);
}

/** Permissions may go by tags. Those of the program itself say nothing new. */
function tagRow({ op, old, new: now }: Resource): readonly Found[] {
  if (op === "create" || op === "delete") return [];
  const only = (one: Json, other: Json) =>
    listed(
      Object.entries(one)
        .filter(([tag, value]) => !/^(Name$|etcd:|__defaults$)/.test(tag) && other[tag] !== value)
        .map(([tag, value]) => `${tag}=${shown(value)}`)
        .sort(),
    );
  const [before, after] = [record(old.inputs.tags), record(now.inputs.tags)];
  const [gone, added] = [only(before, after), only(after, before)];
  return gone === added ? [] : [{ kind: "exposure", what: "tags (aws.tags)", old: gone, new: added }];
}

/** Whoever rules the zone says where clients go. */
function zoneRow({ type, op, old, new: now }: Resource): readonly Found[] {
  if (!type.startsWith("aws:route53/record:")) return [];
  const zone = ({ inputs }: State) =>
    inputs.name === undefined ? NONE : `${text(inputs.name)} in ${shown(inputs.zoneId)}`;
  const [before, after] = [op === "create" ? NONE : zone(old), op === "delete" ? NONE : zone(now)];
  if (before === after) return [];
  return [
    { kind: "exposure", what: "clients' name (aws.clientName, aws.hostedZoneId)", old: before, new: after },
  ];
}
