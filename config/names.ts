/** The setting `names`: what clients may call any member by, beside its own name and address. */

import { parseAddress, unusable } from "./address.ts";
import type { NodeAddresses } from "./nodes.ts";
import { type Fields, show } from "./value.ts";

/** Sorted and without duplicates: another order would be another certificate. */
export function parseNames(top: Fields, target: string, nodes: readonly NodeAddresses[]): readonly string[] {
  const listed = top.texts("names", []);
  if (listed.length > 0 && target === "aws")
    top.problem("names", "is for given machines; on EC2 clients find the members by aws.clientName.");
  const names = listed.flatMap((text) => {
    const name = parseName(text, nodes);
    if (typeof name === "string") return [name];
    top.problem("names", `${show(text)} ${name.problem}.`);
    return [];
  });
  return [...new Set(names)].sort();
}

function parseName(text: string, nodes: readonly NodeAddresses[]): string | { readonly problem: string } {
  if (text.includes("*"))
    return { problem: "is a wildcard, which would stand for hosts that are no members; list the names" };
  const parsed = parseAddress(text);
  if ("problem" in parsed) return parsed;
  const owner = nodes.find(({ address }) => address === parsed.address);
  if (owner !== undefined)
    return { problem: `is the address of ${owner.name}, which no other member may answer for; leave it out` };
  const useless = unusable(parsed.address);
  return useless === undefined ? parsed.address : { problem: `${useless}; leave it out` };
}
