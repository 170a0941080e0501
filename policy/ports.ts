/** Rules for what the whole world may reach in AWS. Security groups are read as plain properties: no SDK is needed. */

import type { ResourceValidation, ResourceValidationPolicy } from "@pulumi/policy";
import { CLIENT_PORT, METRICS_PORT } from "../etcd/ports.ts";
import { at, items, numberAt } from "./read.ts";

interface Ports {
  readonly first: number;
  readonly last: number;
}

/** Whoever can reach ssh needs only one stolen key to become root. */
export const noOpenSsh: ResourceValidationPolicy = {
  name: "no-open-ssh",
  description: "Port 22 (ssh) is not open to the world.",
  enforcementLevel: "mandatory",
  validateResource: refuseOpen({ first: 22, last: 22 }, "the addresses that administer the hosts"),
};

/** TLS protects these ports, but anyone could exploit a vulnerability in its handshake (etcd has had one); 2381 has no TLS at all. */
export const noOpenClientPort: ResourceValidationPolicy = {
  name: "no-open-client-port",
  description: "The client, peer and metrics ports (2379 to 2381) are not open to the world.",
  enforcementLevel: "mandatory",
  validateResource: refuseOpen(
    { first: CLIENT_PORT, last: METRICS_PORT },
    "the members' and clients' own networks",
  ),
};

function refuseOpen(guarded: Ports, remedy: string): ResourceValidation {
  return ({ type, props }, report) => {
    for (const rule of ingressOf(type, props)) {
      const world = sources(rule).find(isWorld);
      if (world !== undefined && opens(rule, guarded))
        report(`It lets ${world} reach ${show(guarded)}: name ${remedy} instead.`);
    }
  };
}

/** The ingress rules that a resource declares: a group inside itself, the others one each. */
function ingressOf(type: string, props: unknown): readonly unknown[] {
  switch (type) {
    case "aws:ec2/securityGroup:SecurityGroup":
    case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
      return items(at(props, "ingress"));
    case "aws:ec2/securityGroupRule:SecurityGroupRule":
      return at(props, "type") === "ingress" ? [props] : [];
    case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
      return [props];
    default:
      return [];
  }
}

function sources(rule: unknown): readonly unknown[] {
  return ["cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6"].flatMap((key) => items(at(rule, key)));
}

/** However it is written, a prefix length of 0 covers every address. */
function isWorld(cidr: unknown): cidr is string {
  return typeof cidr === "string" && /\/0$/.test(cidr);
}

function opens(rule: unknown, { first, last }: Ports): boolean {
  const protocol = String(at(rule, "protocol") ?? at(rule, "ipProtocol"));
  if (["-1", "all"].includes(protocol)) return true; // ports are ignored then
  if (!["tcp", "6"].includes(protocol)) return false;
  return numberAt(rule, "fromPort") <= last && first <= numberAt(rule, "toPort");
}

function show({ first, last }: Ports): string {
  return first === last ? `port ${first}` : `ports ${first} to ${last}`;
}
