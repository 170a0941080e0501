/** Who has the snapshot, and who is to get it. */

import type { NodeConfig } from "../../config/model.ts";
import type { Answer } from "../shared/ask-hosts.ts";

export interface Copy {
  /** @default this machine */
  readonly from?: NodeConfig;
  readonly to: readonly NodeConfig[];
  readonly sha256: string;
}

/**
 * Of two hosts that hold something else by that name, nobody knows which one is meant. `local`: digest of the file here that is
 * copied.
 */
export function copyFrom(
  answers: readonly Answer[],
  snapshot: string,
  local?: string,
): Copy | { readonly refusal: string } {
  const asked = answers.filter(({ code }) => code === 0);
  const held = asked.flatMap(({ node, stdout }) => {
    const [, sha256] = /^holds ([0-9a-f]{64})$/m.exec(stdout) ?? [];
    return sha256 === undefined ? [] : [{ node, sha256 }];
  });
  const [first] = held;
  const sha256 = local ?? first?.sha256;
  if (sha256 === undefined)
    return {
      refusal: `no host that answers has ${snapshot}; npm run backups lists what there is, and ./${snapshot} is a file here.`,
    };
  const other = held.find((one) => one.sha256 !== sha256);
  if (other !== undefined) {
    const one = local === undefined ? first?.node.name : "this machine";
    return {
      refusal: `${one} and ${other.node.name} have different files by the name ${snapshot}; move one of them away.`,
    };
  }
  const to = asked.map(({ node }) => node).filter((node) => !held.some((one) => one.node.name === node.name));
  return { ...(local === undefined && first !== undefined ? { from: first.node } : {}), to, sha256 };
}
