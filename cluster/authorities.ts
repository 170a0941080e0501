/** Whether the two CAs can stay as they are. A CA never renews by itself: all members must trust its successor first. */

import type { ClusterConfig } from "../config/model.ts";
import { DAY_MS } from "../lib/time.ts";
import type { Findings } from "./changes.ts";
import type { AuthorityTerms, Deployed, DeployedAuthority } from "./deployed.ts";

/** `now` in milliseconds since 1970, for comparison only: it never becomes a resource's input. */
export function checkAuthorities(
  { certificates }: ClusterConfig,
  deployed: Deployed | undefined,
  now: number,
): Findings {
  const problems: string[] = [];
  const warnings: string[] = [];
  const authorities = { client: deployed?.clientCa, peer: deployed?.peerCa };
  for (const [role, authority] of Object.entries(authorities)) {
    const terms = issuingTerms(authority);
    if (terms === undefined) continue;
    const { algorithm, validityDays, expires } = terms;
    if (algorithm !== undefined && algorithm !== certificates.algorithm) {
      problems.push(
        `keyAlgorithm: the ${role} CA was created with ${algorithm}; another algorithm would mean another CA, which no member trusts: change it back.`,
      );
    }
    if (validityDays !== undefined && validityDays !== String(certificates.caValidityDays)) {
      problems.push(
        `caValidityDays: the ${role} CA was created for ${validityDays} days; another number would mean another CA, which no member trusts: change it back.`,
      );
    }
    const end = Date.parse(expires ?? "");
    if (!(end > now)) {
      problems.push(
        `The ${role} CA expired on ${expires}; no member would trust a new one, so nothing is changed: bootstrap a new cluster with destroy and up, and restore its data from a snapshot.`,
      );
    } else if (end - now < certificates.leafValidityDays * DAY_MS) {
      warnings.push(
        `The ${role} CA expires on ${expires}, before a new certificate of ${certificates.leafValidityDays} days would: renewals are refused until it is rotated.`,
      );
    }
  }
  return { problems, warnings };
}

function issuingTerms(authority: DeployedAuthority | undefined): AuthorityTerms | undefined {
  return authority?.terms[String(authority.list[0])];
}
