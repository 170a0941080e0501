/**
 * CAs that have ended. No member accepts a new connection then, so none can be asked whether it may restart: what an
 * `up` otherwise proves has to be allowed by name.
 */

import type { ClusterConfig } from "../config/model.ts";
import { minorOf, parseVersion } from "../etcd/releases.ts";
import { changesOf, type Findings } from "./changes.ts";
import type { Deployed, DeployedAuthority } from "./deployed.ts";
import type { Machines } from "./machines.ts";

/** The word of `allow` for it, which hosts read as well. */
export const EXPIRED_CA = "expired-ca";

interface Ended {
  readonly role: "client" | "peer";
  /** RFC 3339. */
  readonly expires: string;
}

/** By the record of the last healthy run. `now` in milliseconds since 1970, for comparison only. */
export function endedAuthorities(deployed: Deployed | undefined, now: number): readonly Ended[] {
  return [...endOf("client", deployed?.clientCa, now), ...endOf("peer", deployed?.peerCa, now)];
}

/** What has no end that can be read is not known to be valid. */
function endOf(role: Ended["role"], authority: DeployedAuthority | undefined, now: number): readonly Ended[] {
  if (authority === undefined) return [];
  const { expires = "" } = authority.terms[String(authority.list[0])] ?? {};
  return Date.parse(expires) > now ? [] : [{ role, expires: expires || "a date that it does not have" }];
}

/** Renewed with its own key, as any `up` would; and members that still have the ended one restart without a proof. */
export function checkEnded(
  config: ClusterConfig,
  deployed: Deployed | undefined,
  machines: Machines,
  now: number,
): Findings {
  const allowed = config.allow.includes(EXPIRED_CA);
  const ended = endedAuthorities(deployed, now);
  if (deployed === undefined || ended.length === 0) {
    // No refusal: the up after the one that renewed has nothing to do.
    const warning = `allow: ${EXPIRED_CA} is no longer needed, since no CA has ended; take it out, so that no host restarts without a proof when its clock is wrong.`;
    return { problems: [], warnings: allowed ? [warning] : [] };
  }
  const others = validOthers(ended, deployed, now);
  const isLeftOut = others.some(({ role, issuing }) => config.certificates[`${role}Ca`][0] === issuing);
  // with another one loaded no host restarts without a proof, and none can be had while the ended one issues
  if (!allowed || isLeftOut) return { problems: [refuseEnded(ended, others)], warnings: [] };
  const problems = [...refuseMinorStep(config, deployed), ...refuseOtherChanges(config, deployed, machines)];
  return { problems, warnings: [sayRenewed(ended)] };
}

function said(ended: readonly Ended[]): string {
  return ended.map(({ role, expires }) => `the ${role} CA ended on ${expires}`).join(", and ");
}

interface Other {
  readonly role: Ended["role"];
  /** The CA that has ended. */
  readonly issuing: number;
  /** What it signs is accepted by all that have loaded it. */
  readonly other: number;
}

/** Where another CA is trusted besides the ended one, and has not ended. */
function validOthers(ended: readonly Ended[], deployed: Deployed, now: number): readonly Other[] {
  return ended.flatMap(({ role }) => {
    const { list = [], terms = {} } = deployed[`${role}Ca`] ?? {};
    const [issuing, ...trusted] = list;
    const other = trusted.find((number) => Date.parse(terms[String(number)]?.expires ?? "") > now);
    return issuing === undefined || other === undefined ? [] : [{ role, issuing, other }];
  });
}

function refuseEnded(ended: readonly Ended[], others: readonly Other[]): string {
  const has = `By the record of the last healthy run ${said(ended)}: members accept no new connection.`;
  const lists = others.map(({ role, issuing, other }) => `${role}Ca: [${other}, ${issuing}]`);
  if (lists.length > 0)
    return `${has} They trust another CA as well: ${lists.join(" and ")}, with allow: [${EXPIRED_CA}], lets that one issue; no data is touched.`;
  return `${has} allow: [${EXPIRED_CA}] renews it with its own key and restarts all members without a proof, an outage of seconds; no data is touched.`;
}

function sayRenewed(ended: readonly Ended[]): string {
  const clients = ended.some(({ role }) => role === "client")
    ? " Clients outside need the new CA certificate (the output clientBundle)."
    : "";
  return `By the record of the last healthy run ${said(ended)}. It is renewed with its own key, and every member that has nothing else loaded restarts without a proof, an outage of seconds; no data is touched.${clients}`;
}

function refuseMinorStep({ release }: ClusterConfig, deployed: Deployed): readonly string[] {
  const [from, to] = [parseVersion(deployed.version), parseVersion(release.version)];
  if (from === undefined || to === undefined || minorOf(from) === minorOf(to)) return [];
  return [
    `allow: ${EXPIRED_CA} renews a CA that has ended, which cannot go together with the step from ${deployed.version} to ${release.version}; do that first, then the step.`,
  ];
}

/** They ask the cluster, which answers nobody; a lost member has no step, and goes once the others serve. */
function refuseOtherChanges(
  config: ClusterConfig,
  deployed: Deployed,
  machines: Machines,
): readonly string[] {
  const { added, replaced, removed, moved, rebuilt } = changesOf(config, deployed, machines);
  const others = [...new Set([...added, ...replaced, ...removed, ...moved, ...rebuilt])].sort();
  if (others.length === 0) return [];
  return [
    `allow: ${EXPIRED_CA} renews a CA that has ended, which goes together with no other change of members or machines (${others.join(", ")}): do that first, then the others; a host that is gone is declared lost.`,
  ];
}
