/**
 * Whether the CAs can become what is declared. A CA gets a new certificate with its own key, in one rolling restart; another
 * key is another CA, to which a rotation leads (rotation.ts).
 */

import type { CertificateSettings, ClusterConfig } from "../config/model.ts";
import { keyAlgorithms } from "../config/settings.ts";
import { minorOf, parseVersion } from "../etcd/releases.ts";
import { DAY_MS } from "../lib/time.ts";
import type { Findings } from "./changes.ts";
import type { AuthorityTerms, Deployed, DeployedAuthority } from "./deployed.ts";
import { AUTHORITY_ROLES, type AuthorityRole } from "./resource-names.ts";
import { refuseRotation, shown, warnClients } from "./rotation.ts";

/** One kind of CA: what was proven of it, and what is declared. */
interface Authority {
  readonly role: AuthorityRole;
  readonly key: "clientCa" | "peerCa";
  readonly proven: DeployedAuthority;
  readonly wanted: readonly number[];
}

/**
 * `now` in milliseconds since 1970, for comparison only: it never becomes a resource's input. `memberChanges`: what happens to
 * members in the same `up`, a clause each.
 */
export function checkAuthorities(
  config: ClusterConfig,
  deployed: Deployed | undefined,
  now: number,
  memberChanges: readonly string[] = [],
): Findings {
  if (deployed === undefined) return { problems: [], warnings: [] };
  const findings = AUTHORITY_ROLES.flatMap((role) => {
    const authority = authorityOf(role, config.certificates, deployed);
    const rotation = checkRotation(authority, config, deployed, memberChanges);
    const made = authority.proven.list.filter((number) => !isGiven(authority, number));
    const isAlone = memberChanges.length === 0;
    const ends = made.map((number) => checkEnd(authority, number, config, deployed, { now, isAlone }));
    return [{ problems: [], warnings: warnOfOtherTerms(authority, config) }, rotation, ...ends];
  });
  return {
    problems: findings.flatMap(({ problems }) => problems),
    warnings: findings.flatMap(({ warnings }) => warnings),
  };
}

function isGiven({ proven }: Authority, number: number): boolean {
  return proven.terms[String(number)]?.publicKey !== undefined;
}

/** The lists of a role. Older records had no list: there was one CA. */
export function authorityOf(
  role: AuthorityRole,
  certificates: Pick<CertificateSettings, "clientCa" | "peerCa">,
  deployed: Deployed | undefined,
): Authority {
  const key = `${role}Ca` as const;
  return { role, key, proven: deployed?.[key] ?? { list: [1], terms: {} }, wanted: certificates[key] };
}

/** What a CA of that number is made with. One that was made keeps it: another key or lifetime would be another CA. */
export function termsOf(
  { algorithm, caValidityDays }: CertificateSettings,
  proven: DeployedAuthority | undefined,
  number: number,
): Pick<CertificateSettings, "algorithm"> & { readonly validityDays: number } {
  const known = proven?.terms[String(number)];
  const days = Number(known?.validityDays);
  return {
    algorithm: keyAlgorithms.find((one) => one === known?.algorithm) ?? algorithm,
    validityDays: Number.isSafeInteger(days) ? days : caValidityDays,
  };
}

function checkRotation(
  { key, proven, wanted }: Authority,
  config: ClusterConfig,
  deployed: Deployed,
  memberChanges: readonly string[],
): Findings {
  if (shown(proven.list) === shown(wanted)) return { problems: [], warnings: [] };
  const highest = Math.max(...proven.list, ...Object.keys(proven.terms).map(Number));
  const rotation = { key, from: proven.list, to: wanted, highest };
  const alone = memberChanges.map(
    (change) => `${key}: a CA step goes alone; ${change} in this up: do one first, then the other.`,
  );
  const minor = isMinorStep(config, deployed)
    ? [
        `${key}: a CA step goes alone, and this up goes from ${deployed.version} to ${config.release.version}: do one first, then the other.`,
      ]
    : [];
  const problems = [...refuseRotation(rotation), ...alone.slice(0, 1), ...minor];
  return { problems, warnings: problems.length > 0 || key !== "clientCa" ? [] : warnClients(rotation) };
}

/** Of a CA that is trusted already. One that is about to be dropped may end. */
function checkEnd(
  authority: Authority,
  number: number,
  config: ClusterConfig,
  deployed: Deployed,
  { now, isAlone }: { readonly now: number; readonly isAlone: boolean },
): Findings {
  const { key, proven, wanted } = authority;
  const terms = proven.terms[String(number)];
  const issues = proven.list[0] === number;
  if (terms === undefined || !(issues || wanted.includes(number))) return { problems: [], warnings: [] };
  const { caRenewBeforeDays } = config.certificates;
  const name = nameOf(authority, number);
  const end = Date.parse(terms.expires ?? "");
  if (!(end > now)) {
    const ended = `The ${name} ended on ${terms.expires}, and is only trusted: take it out of ${key}.`;
    if (issues) return { problems: [], warnings: [] }; // ended.ts
    // A dead member comes first, and its replacement cannot go together with the step that drops the CA.
    return isAlone ? { problems: [ended], warnings: [] } : { problems: [], warnings: [ended] };
  }
  const endless = refuseEndlessRenewal(name, terms, caRenewBeforeDays);
  if (end - now > caRenewBeforeDays * DAY_MS)
    return { problems: endless, warnings: issues ? warnOfEnd(name, terms, config, end - now) : [] };
  return {
    problems: [...endless, ...refuseMinorStep(name, config, deployed)],
    warnings: [
      `The ${name} gets a new certificate with the same key. Its old one is trusted until its end: clients outside need the new CA certificate (the output clientBundle) before ${terms.expires}.`,
    ],
  };
}

/** With its number where there is, or was, another one. */
function nameOf({ role, proven, wanted }: Authority, number: number): string {
  const isOnly = [...proven.list, ...wanted].every((one) => one === 1);
  return isOnly ? `${role} CA` : `${role} CA ${number}`;
}

function refuseEndlessRenewal(
  name: string,
  { validityDays }: AuthorityTerms,
  caRenewBeforeDays: number,
): readonly string[] {
  if (validityDays === undefined || caRenewBeforeDays < Number(validityDays)) return [];
  return [
    `caRenewBeforeDays: ${caRenewBeforeDays} days are not less than the whole life of the ${name}, ${validityDays} days: every up would renew it; use fewer.`,
  ];
}

/** Settings of which a CA that is there keeps its own: they are for the next one. */
function warnOfOtherTerms(
  { role, key, proven, wanted }: Authority,
  { certificates }: ClusterConfig,
): readonly string[] {
  const newest = Math.max(...wanted);
  const terms = proven.terms[String(newest)];
  if (terms === undefined) return [];
  const settings = {
    keyAlgorithm: [terms.algorithm, certificates.algorithm],
    caValidityDays: [terms.validityDays, String(certificates.caValidityDays)],
  };
  const next = shown([newest, Math.max(...Object.keys(proven.terms).map(Number)) + 1]);
  return Object.entries(settings)
    .filter(([, [has, set]]) => has !== undefined && has !== set)
    .map(
      ([setting, [has, set]]) =>
        `${setting}: the ${role} CA ${newest} keeps ${has}, with which it was made; ${set} is for the next one (${key}: ${next}, docs/certificates.md).`,
    );
}

/** Members and clients of one minor talk to each other while some have the new certificate; two changes at once are hard to review. */
function refuseMinorStep(name: string, config: ClusterConfig, deployed: Deployed): readonly string[] {
  if (!isMinorStep(config, deployed)) return [];
  return [
    `caRenewBeforeDays: the ${name} is renewed in this up, which cannot go together with the step from ${deployed.version} to ${config.release.version}; do one first, then the other.`,
  ];
}

function isMinorStep({ release }: ClusterConfig, deployed: Deployed): boolean {
  const [from, to] = [parseVersion(deployed.version), parseVersion(release.version)];
  return from !== undefined && to !== undefined && minorOf(from) !== minorOf(to);
}

/** In time for clients outside, and before a leaf certificate would outlive it. */
function warnOfEnd(
  name: string,
  { expires }: AuthorityTerms,
  { certificates }: ClusterConfig,
  leftMs: number,
): readonly string[] {
  const days = renewalWindow(certificates);
  if (leftMs >= days * DAY_MS) return [];
  return [
    `The ${name} ends on ${expires}, and every certificate with it. Renew it, with its own key and one rolling restart: pulumi config set caRenewBeforeDays ${days}, then the plan.`,
  ];
}

/** Whether it is a warning of the one above, or of its like for given CAs: nothing renews those by itself. */
export function isOfEndingCa(warning: string): boolean {
  return /^(The (client|peer) CA( \d+)?|givenCas\.\S+) ends on /.test(warning);
}

/** No more than half of a CA's life: a renewed one is not due again for the other half. */
function renewalWindow({ leafValidityDays, caValidityDays }: ClusterConfig["certificates"]): number {
  return Math.min(2 * leafValidityDays, Math.floor(caValidityDays / 2));
}
