/** Rules for the certificate authorities and the leaf certificates that they sign. */

import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { protectionLevel } from "./levels.ts";
import { at, has, numberAt } from "./read.ts";

const LEAF = "tls:index/locallySignedCert:LocallySignedCert";
const SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert";
const KEY = "tls:index/privateKey:PrivateKey";
const CLUSTER = "etcd:cluster:Cluster";

const HOURS = 24;
/**
 * The CA/Browser Forum's limit from 2020 to March 2026 (Baseline Requirements 6.3.2). Its lower limits since
 * then are for public CAs, whose clients cannot be told of a stolen key; here a CA serves one cluster.
 */
const LONGEST_LEAF = 398 * HOURS;
/** What kubeadm gives the CA of its etcd. */
const LONGEST_CA = 3650 * HOURS;
/** Our own limit: the renewal pipeline may fail for a week, be repaired, and fail for another. */
const SHORTEST_WINDOW = 14 * HOURS;

/** Losing a CA's key is losing the cluster's trust: every member and client would need new certificates at the same time. */
export const caProtected: StackValidationPolicy = {
  name: "ca-protected",
  description: "The keys of the certificate authorities that sign leaf certificates are protected.",
  enforcementLevel: protectionLevel(),
  validateStack: ({ resources }, report) => {
    const leafs = resources.filter(({ type }) => type === LEAF);
    const keys = leafs.flatMap((leaf) => leaf.propertyDependencies.caPrivateKeyPem ?? []);
    const signing = new Map(keys.filter(({ type }) => type === KEY).map((key) => [key.urn, key]));
    for (const { opts, name, urn } of signing.values()) {
      if (!opts.protect)
        report(`${name} could be deleted: set the option protect, or set etcd:protect to true.`, urn);
    }
  },
};

/** Long lifetimes hide that nobody renews; a short window leaves no time to repair a pipeline. */
export const certificateLifetimes: ResourceValidationPolicy = {
  name: "certificate-lifetimes",
  description:
    "Leaf certificates last 398 days at most, authorities 10 years, and renewal begins 14 days or more before the end, or a third of a shorter life.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (type !== LEAF && type !== SELF_SIGNED) return;
    const isCa = at(props, "isCaCertificate") === true;
    const longest = isCa ? LONGEST_CA : LONGEST_LEAF;
    const lifetime = numberAt(props, "validityPeriodHours");
    if (lifetime > longest) report(`It is valid for ${days(lifetime)}: make it ${days(longest)} or less.`);
    if (isCa) return; // it is renewed by request: that restarts the members
    const window = has(props, "earlyRenewalHours") ? numberAt(props, "earlyRenewalHours") : 0;
    const third = Math.floor(lifetime / HOURS / 3) * HOURS; // of a client's that is valid for weeks only
    const shortest = third < SHORTEST_WINDOW ? third : SHORTEST_WINDOW;
    if (window < shortest)
      report(`It is renewed ${days(window)} before its end: make it ${days(shortest)} or more.`);
    // A window as long as the lifetime renews all certificates in one run; the program warns of that.
    if (window > lifetime)
      report(`It is renewed before it begins: make the window shorter than ${days(lifetime)}.`);
  },
};

/** A leaf certificate of another CA cannot be renewed here. */
export const leafCertificatesFromOwnCa: StackValidationPolicy = {
  name: "leafs-from-own-ca",
  description: "Leaf certificates are signed by an authority of the same stack, or by one that it was given.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    const given = resources.filter(({ type }) => type === CLUSTER).flatMap(givenCertificates);
    for (const leaf of resources.filter(({ type }) => type === LEAF)) {
      const signers = leaf.propertyDependencies.caCertPem ?? [];
      const signer = at(leaf.props, "caCertPem");
      const isGiven = typeof signer === "string" && given.includes(signer);
      if (!signers.some(isAuthority) && !isGiven)
        report(
          `${leaf.name} is signed by a CA that is not in the stack: give it a CertificateAuthority.`,
          leaf.urn,
        );
    }
  },
};

/** A CA that somebody else made is no resource: the cluster names it. */
function givenCertificates({ props }: PolicyResource): readonly unknown[] {
  const given = at(props, "givenCas");
  if (typeof given !== "object" || given === null) return [];
  return Object.keys(given).map((name) => at(given, name, "certPem"));
}

function isAuthority({ type, props }: PolicyResource): boolean {
  return type === SELF_SIGNED && at(props, "isCaCertificate") === true;
}

function days(count: number): string {
  return `${Math.round((count / HOURS) * 10) / 10} days`;
}
