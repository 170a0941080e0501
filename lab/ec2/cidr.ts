// Part of the simulated EC2: IPv4 addresses and blocks as numbers.

export interface Block {
  readonly first: number;
  readonly last: number;
  readonly length: number;
}

const ADDRESS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Undefined if it is not an IPv4 address. */
export function parseAddress(text: string): number | undefined {
  const parts = ADDRESS.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** Undefined if it is not a block, or if its address is not the block's first. */
export function parseBlock(text: string): Block | undefined {
  const [address, length, ...rest] = text.split("/");
  const first = parseAddress(address ?? "");
  if (first === undefined || length === undefined || !/^\d{1,2}$/.test(length) || rest.length > 0)
    return undefined;
  const size = 2 ** (32 - Number(length));
  return Number(length) > 32 || first % size !== 0
    ? undefined
    : { first, last: first + size - 1, length: Number(length) };
}

export function contains(outer: Block, inner: Block): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

export function overlap(one: Block, other: Block): boolean {
  return one.first <= other.last && other.first <= one.last;
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** AWS reserves the first four addresses of a subnet and its last one. */
export function isReserved(block: Block, address: number): boolean {
  return address < block.first + 4 || address === block.last;
}
