/** Addresses of hosts: IPv4, IPv6 or a DNS name, each in one canonical spelling so that equal addresses are equal strings. */

import { BlockList, isIPv4, isIPv6 } from "node:net";

export type AddressKind = "ipv4" | "ipv6" | "dns";
export type ParsedAddress = { address: string; kind: AddressKind } | { problem: string };

/** Only the syntax; see `unusable` for addresses that are well-formed but cannot be a member's. */
export function parseAddress(text: string): ParsedAddress {
  const stray = strayPart(text);
  if (stray !== undefined) return { problem: stray };
  if (isIPv4(text)) return { address: text, kind: "ipv4" };
  if (isIPv6(text)) return parseIPv6(text);
  return parseDnsName(text);
}

/** `host:port` as URLs and known_hosts write it: brackets around IPv6. */
export function hostPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Why no other host can reach this address, or nothing. */
export function unusable(address: string): string | undefined {
  if (address === "localhost" || address.endsWith(".localhost")) return "is the host itself (loopback)";
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
  if (family === undefined) return undefined;
  return unusableRanges.find(({ list }) => list.check(address, family))?.why;
}

const unusableRanges = [
  { why: "is the host itself (loopback)", list: subnets(["127.0.0.0", 8, "ipv4"], ["::1", 128, "ipv6"]) },
  { why: "is the unspecified address", list: subnets(["0.0.0.0", 8, "ipv4"], ["::", 128, "ipv6"]) },
  { why: "is a multicast address", list: subnets(["224.0.0.0", 4, "ipv4"], ["ff00::", 8, "ipv6"]) },
  { why: "is the broadcast address", list: subnets(["255.255.255.255", 32, "ipv4"]) },
  {
    why: "is a link-local address, which needs a zone that etcd's URLs cannot carry",
    list: subnets(["fe80::", 10, "ipv6"]),
  },
];

function subnets(...ranges: readonly (readonly [string, number, "ipv4" | "ipv6"])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix, family] of ranges) list.addSubnet(network, prefix, family);
  return list;
}

/** What people paste around an address, and how to correct it. */
function strayPart(text: string): string | undefined {
  if (text.includes("://")) return "is a URL; give only its host";
  if (/^\[.*\]$/.test(text)) return `has brackets; write ${text.slice(1, -1)}`;
  if (text.includes("/")) return "has a slash; give one address, without a prefix length or path";
  if (text.includes("%"))
    return "has an IPv6 zone id, which etcd's URLs cannot carry; give an address without a zone";
  if (/^\[.*\]:\d+$|^[^:]+:\d+$/.test(text)) return "has a port; give only the address";
  if (/\s/.test(text)) return "contains a space; give one address without spaces";
  return undefined;
}

function parseIPv6(text: string): ParsedAddress {
  // The URL parser writes the compressed lower-case form (RFC 5952).
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  if (address.startsWith("::ffff:")) return { problem: "is an IPv4 address in IPv6 form; write it as IPv4" };
  return { address, kind: "ipv6" };
}

function parseDnsName(text: string): ParsedAddress {
  if (text.endsWith(".")) return { problem: "ends with a dot; leave the dot out" };
  const labels = text.toLowerCase().split(".");
  if (isMistypedIPv4(labels))
    return { problem: "looks like a mistyped IPv4 address; write it like 192.168.1.101" };
  const wellFormed =
    text.length <= 253 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? "");
  if (!wellFormed) return { problem: "is not an IPv4, IPv6 or DNS address; write it like 192.168.1.101" };
  return { address: labels.join("."), kind: "dns" };
}

/** Four parts, of which three are numbers: no host is named like that, but 192.168.1.1O2 is typed. */
function isMistypedIPv4(labels: readonly string[]): boolean {
  return labels.length === 4 && labels.filter((label) => /^\d+$/.test(label)).length >= 3;
}
