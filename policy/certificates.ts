/** Rules on the certificate authorities and the certificates that they sign. */

import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { protectionLevel } from "./levels.ts";
import { at, has, numberAt } from "./read.ts";

const LEAF = "tls:index/locallySignedCert:LocallySignedCert";
const SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert";
const KEY = "tls:index/privateKey:PrivateKey";

const HOURS = 24;
/**
 * The CA/Browser Forum's limit from 2020 to March 2026 (Baseline Requirements 6.3.2). Its lower ones since are for
 * public CAs, whose clients cannot be told of a stolen key; here a CA has one cluster.
 */
const LONGEST_LEAF = 398 * HOURS;
/** What kubeadm gives the CA of its etcd. */
const LONGEST_CA = 3650 * HOURS;
/** Ours: the pipeline that renews may fail for a week, be mended, and fail for another. */
const SHORTEST_WINDOW = 14 * HOURS;

/** Losing a CA is losing the cluster's trust: every member and client would have to get new certificates at once. */
export const caProtected: StackValidationPolicy = {
  name: "ca-protected",
  description: "The certificate authorities and their keys are protected.",
  enforcementLevel: protectionLevel(),
  validateStack: ({ resources }, report) => {
    for (const authority of resources.filter(isAuthority)) {
      const keys = authority.propertyDependencies.privateKeyPem ?? [];
      for (const { opts, name, urn } of [authority, ...keys.filter(({ type }) => type === KEY)]) {
        if (!opts.protect)
          report(`${name} could be deleted: set the option protect, or etcd:protect to true.`, urn);
      }
    }
  },
};

/** Long lives hide that nobody renews; a short window leaves no time to mend a pipeline. */
export const certificateLifetimes: ResourceValidationPolicy = {
  name: "certificate-lifetimes",
  description:
    "Certificates live 398 days at most, authorities 10 years, and renewal begins 14 days before the end.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (type !== LEAF && type !== SELF_SIGNED) return;
    const isCa = at(props, "isCaCertificate") === true;
    const longest = isCa ? LONGEST_CA : LONGEST_LEAF;
    const life = numberAt(props, "validityPeriodHours");
    if (life > longest) report(`It is valid for ${days(life)}: make it ${days(longest)} or less.`);
    if (isCa) return; // it is not renewed by itself, because its successor has to be trusted first
    const window = has(props, "earlyRenewalHours") ? numberAt(props, "earlyRenewalHours") : 0;
    if (window < SHORTEST_WINDOW)
      report(`It is renewed ${days(window)} before its end: make it ${days(SHORTEST_WINDOW)} or more.`);
    // As long as its life is how all certificates are renewed at once; the program warns of that.
    if (window > life) report(`It is renewed before it begins: make the window shorter than ${days(life)}.`);
  },
};

/** A leaf of another CA is one that nobody here can renew. */
export const leafsFromOwnCa: StackValidationPolicy = {
  name: "leafs-from-own-ca",
  description: "Certificates are signed by an authority of the same stack.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    for (const leaf of resources.filter(({ type }) => type === LEAF)) {
      const signers = leaf.propertyDependencies.caCertPem ?? [];
      if (!signers.some(isAuthority))
        report(
          `${leaf.name} is signed by a CA that is not in the stack: give it a CertificateAuthority.`,
          leaf.urn,
        );
    }
  },
};

function isAuthority({ type, props }: PolicyResource): boolean {
  return type === SELF_SIGNED && at(props, "isCaCertificate") === true;
}

function days(count: number): string {
  return `${Math.round((count / HOURS) * 10) / 10} days`;
}
