/** Whether the two CAs can stay as they are. A CA never renews by itself: all members must trust its successor first. */

import type { ClusterConfig } from "../config/model.ts";
import { DAY_MS } from "../lib/time.ts";
import type { Findings } from "./changes.ts";
import type { Deployed } from "./deployed.ts";

/** `now` in milliseconds since 1970, and only compared: it never becomes an input of anything. */
export function checkAuthorities(
  { certificates }: ClusterConfig,
  deployed: Deployed | undefined,
  now: number,
): Findings {
  const problems: string[] = [];
  const warnings: string[] = [];
  const authorities = { client: deployed?.clientCa, peer: deployed?.peerCa };
  for (const [role, authority] of Object.entries(authorities)) {
    if (authority === undefined) continue;
    const { algorithm, validityDays, expires } = authority;
    if (algorithm !== undefined && algorithm !== certificates.algorithm) {
      problems.push(
        `keyAlgorithm: the ${role} CA was made with ${algorithm}; another algorithm would make another CA, which no member trusts: put it back.`,
      );
    }
    if (validityDays !== undefined && validityDays !== String(certificates.caValidityDays)) {
      problems.push(
        `caValidityDays: the ${role} CA was made for ${validityDays} days; another number would make another CA, which no member trusts: put it back.`,
      );
    }
    const end = Date.parse(expires ?? "");
    if (!(end > now)) {
      problems.push(
        `The ${role} CA expired on ${expires}; a new one would be trusted by no member, so nothing is changed: destroy and up found a new cluster, and its data comes from a snapshot.`,
      );
    } else if (end - now < certificates.leafValidityDays * DAY_MS) {
      warnings.push(
        `The ${role} CA ends on ${expires}, before a new certificate of ${certificates.leafValidityDays} days would: renewals are refused until it is rotated.`,
      );
    }
  }
  return { problems, warnings };
}
