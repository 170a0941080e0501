/** Address ranges as AWS writes them: an IPv4 or IPv6 network and its prefix length. */

import { isIPv4, isIPv6 } from "node:net";

export interface Cidr {
  /** The canonical spelling, so that equal ranges are equal strings. */
  readonly text: string;
  readonly family: "ipv4" | "ipv6";
  readonly prefix: number;
  readonly first: bigint;
  readonly last: bigint;
}

/** `problem` ends a sentence that begins with the text. */
export function parseCidr(text: string): Cidr | { problem: string } {
  const [, network = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIPv4(network) ? "ipv4" : isIPv6(network) && !network.includes("%") ? "ipv6" : undefined;
  const bits = family === "ipv4" ? 32 : 128;
  const prefix = Number(length);
  if (family === undefined || prefix > bits) {
    const whole = isIPv4(text) ? `; for one address write ${text}/32` : "; write it like 10.20.0.0/16";
    return { problem: `is not a CIDR${whole}` };
  }
  const size = 1n << BigInt(bits - prefix);
  const given = toNumber(network);
  const first = given - (given % size);
  const canonical = `${toText(first, family)}/${prefix}`;
  if (first !== given) return { problem: `has host bits set; write ${canonical}` };
  return { text: canonical, family, prefix, first, last: first + size - 1n };
}

/** Whether `inner` is entirely within `outer`. */
export function holds(outer: Cidr, inner: Cidr): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

export function overlap(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/** The position of an IPv4 address in the range, counted from 0, or nothing if it lies outside. */
export function placeIn(range: Cidr, address: string): number | undefined {
  if (range.family !== "ipv4" || !isIPv4(address)) return undefined;
  const number = toNumber(address);
  return range.first <= number && number <= range.last ? Number(number - range.first) : undefined;
}

function toNumber(address: string): bigint {
  if (isIPv4(address)) return join(address.split(".").map(Number), 8n);
  const [head = [], tail] = canonicalIPv6(address)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""))
    .map((groups) => groups.map((group) => Number.parseInt(group, 16)));
  const zeros = Array<number>(8 - head.length - (tail?.length ?? 0)).fill(0);
  return join([...head, ...zeros, ...(tail ?? [])], 16n);
}

function join(parts: readonly number[], width: bigint): bigint {
  return parts.reduce((number, part) => (number << width) | BigInt(part), 0n);
}

function toText(number: bigint, family: Cidr["family"]): string {
  if (family === "ipv4") return split(number, 4, 8n).join(".");
  return canonicalIPv6(
    split(number, 8, 16n)
      .map((group) => group.toString(16))
      .join(":"),
  );
}

function split(number: bigint, count: number, width: bigint): number[] {
  const mask = (1n << width) - 1n;
  return Array.from({ length: count }, (_, index) =>
    Number((number >> (width * BigInt(count - 1 - index))) & mask),
  );
}

/** The URL parser writes the compressed lower-case form (RFC 5952), without dotted decimals. */
function canonicalIPv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
