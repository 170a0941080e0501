/**
 * Whether the two CAs can stay as they are. A CA gets a new certificate with its own key, in one rolling restart; another
 * key would be another CA, which no member trusts.
 */

import type { ClusterConfig } from "../config/model.ts";
import { minorOf, parseVersion } from "../etcd/releases.ts";
import { DAY_MS } from "../lib/time.ts";
import type { Findings } from "./changes.ts";
import type { AuthorityTerms, Deployed, DeployedAuthority } from "./deployed.ts";

/** `now` in milliseconds since 1970, for comparison only: it never becomes a resource's input. */
export function checkAuthorities(
  config: ClusterConfig,
  deployed: Deployed | undefined,
  now: number,
): Findings {
  const authorities = { client: deployed?.clientCa, peer: deployed?.peerCa };
  const findings = Object.entries(authorities).flatMap(([role, authority]) => {
    const terms = issuingTerms(authority);
    return terms === undefined || deployed === undefined
      ? []
      : [checkAuthority(role, terms, config, deployed, now)];
  });
  return {
    problems: findings.flatMap(({ problems }) => problems),
    warnings: findings.flatMap(({ warnings }) => warnings),
  };
}

function checkAuthority(
  role: string,
  terms: AuthorityTerms,
  config: ClusterConfig,
  deployed: Deployed,
  now: number,
): Findings {
  const { caRenewBeforeDays } = config.certificates;
  const problems = refuseOtherTerms(role, terms, config);
  const end = Date.parse(terms.expires ?? "");
  if (!(end > now)) return { problems, warnings: [] }; // see ended.ts
  if (end - now > caRenewBeforeDays * DAY_MS)
    return { problems, warnings: warnOfEnd(role, terms, config, end - now) };
  return {
    problems: [...problems, ...refuseMinorStep(role, config, deployed)],
    warnings: [
      `The ${role} CA gets a new certificate with the same key. Its old one is trusted until its end: clients outside need the new CA certificate (the output clientBundle) before ${terms.expires}.`,
    ],
  };
}

function refuseOtherTerms(
  role: string,
  { algorithm, validityDays }: AuthorityTerms,
  { certificates }: ClusterConfig,
): readonly string[] {
  const problems: string[] = [];
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
  return problems;
}

/** Members and clients of one minor talk to each other while some have the new certificate; two changes at once are hard to review. */
function refuseMinorStep(role: string, { release }: ClusterConfig, deployed: Deployed): readonly string[] {
  const [from, to] = [parseVersion(deployed.version), parseVersion(release.version)];
  if (from === undefined || to === undefined || minorOf(from) === minorOf(to)) return [];
  return [
    `caRenewBeforeDays: the ${role} CA is renewed in this up, which cannot go together with the step from ${deployed.version} to ${release.version}; do one first, then the other.`,
  ];
}

/** In time for clients outside, and before a leaf certificate would outlive it. */
function warnOfEnd(
  role: string,
  { expires }: AuthorityTerms,
  { certificates }: ClusterConfig,
  leftMs: number,
): readonly string[] {
  const days = renewalWindow(certificates);
  if (leftMs >= days * DAY_MS) return [];
  return [
    `The ${role} CA ends on ${expires}, and every certificate with it. Renew it, with its own key and one rolling restart: pulumi config set caRenewBeforeDays ${days}, then the plan.`,
  ];
}

/** No more than half of a CA's life: a renewed one is not due again for the other half. */
function renewalWindow({ leafValidityDays, caValidityDays }: ClusterConfig["certificates"]): number {
  return Math.min(2 * leafValidityDays, Math.floor(caValidityDays / 2));
}

function issuingTerms(authority: DeployedAuthority | undefined): AuthorityTerms | undefined {
  return authority?.terms[String(authority.list[0])];
}
