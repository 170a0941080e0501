/**
 * The record of the certificates that members accept as a client's: the named clients', and the hosts' own, of which a
 * server's is one too. With it what the configuration no longer asks for can be revoked.
 */

import type { ClusterConfig } from "../config/model.ts";
import { partOf } from "./resource-names.ts";

export interface IssuedCertificate {
  /** Decimal. */
  readonly serial: string;
  /** Of its key. */
  readonly issue: number;
  /** RFC 3339. */
  readonly ends: string;
  /** A proven configuration did not ask for it any more. */
  readonly dropped?: true;
}

/** By name: `app1`, `node1-operator`, `node1-server`. */
export type Issued = Readonly<Record<string, readonly IssuedCertificate[]>>;

/** What members refuse, by name. */
export interface Revoked {
  readonly name: string;
  readonly serials: readonly string[];
}

/** The issue that the configuration asks for, by name. */
function askedFor({ clients, nodes }: ClusterConfig): ReadonlyMap<string, number> {
  const present = nodes.filter((node) => !node.lost);
  return new Map([
    ...clients.map(({ name, issue }) => [name, issue] as const),
    ...present.flatMap(({ name, issue }) =>
      (["operator", "server"] as const).map((role) => [partOf(name, role), issue] as const),
    ),
  ]);
}

/** All that the record has and the configuration does not ask for. Sorted by name; nothing where it does not revoke. */
export function revokedBy(config: ClusterConfig, issued: Issued = {}): readonly Revoked[] | undefined {
  if (!config.revocation) return undefined;
  const asked = askedFor(config);
  return Object.entries(issued)
    .map(([name, all]) => ({
      name,
      serials: all.filter((one) => isDropped(one, asked.get(name))).map(({ serial }) => serial),
    }))
    .filter(({ serials }) => serials.length > 0)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isDropped({ issue, dropped }: IssuedCertificate, asked: number | undefined): boolean {
  return dropped === true || issue !== asked;
}

/** A number stands for one key: what was revoked stays so, and the key after it has a higher number. */
export function refuseReusedIssues(config: ClusterConfig, issued: Issued = {}): readonly string[] {
  if (!config.revocation) return [];
  const highest = (name: string, issue: number) => {
    const dropped = (issued[name] ?? []).filter((one) => isDropped(one, issue)).map((one) => one.issue);
    return Math.max(0, ...dropped);
  };
  const sentences = [
    ...config.clients.map(({ name, issue }) => ({ name, issue, last: highest(name, issue) })),
    ...config.nodes
      .filter((node) => !node.lost)
      .map(({ name, issue }) => ({ name, issue, last: highest(partOf(name, "operator"), issue) })),
  ];
  return sentences
    .filter(({ issue, last }) => issue <= last)
    .map(
      ({ name, last }) =>
        `issue: the certificates that ${name} had of issue ${last} are revoked, and a number is never given to another key; give ${name} issue: ${last + 1}.`,
    );
}

/** What cannot be revoked now. Nobody is left to prove a restart with where a lost member leaves two. */
export function refuseRevocation(config: ClusterConfig, proven: boolean, issued?: Issued): readonly string[] {
  if (!config.revocation || !proven) return [];
  if (issued === undefined)
    return [
      "revocation: this stack has no record yet of what it issued; run one up without it first. Certificates from before that up end only by themselves, or by a rotation of the client CA.",
    ];
  const present = config.nodes.filter((node) => !node.lost);
  const lost = config.nodes.filter((node) => node.lost).map(({ name }) => name);
  const revokesLost = lost.some((name) =>
    (issued[partOf(name, "operator")] ?? []).some(({ dropped }) => dropped !== true),
  );
  if (!revokesLost || present.length !== 2 || config.allow.includes("two-node-restart")) return [];
  return [
    `revocation: the certificates of ${lost.join(", ")} are revoked by a restart of the two members that are left, of which neither can go without taking the quorum; replace ${lost.join(", ")} in this up instead (another machine, incarnation and issue raised, lost taken out), or accept a pause with allow: [two-node-restart].`,
  ];
}

/** A machine that is replaced gets its certificates at its turn; until then it asks with those that all others would refuse. */
export function refuseNewKeys(
  config: ClusterConfig,
  issued: Issued = {},
  rebuilt: readonly string[],
): readonly string[] {
  if (!config.revocation) return [];
  return config.nodes
    .filter(({ name }) => rebuilt.includes(name))
    .filter(({ name, issue }) =>
      (issued[partOf(name, "operator")] ?? []).some((one) => one.dropped !== true && one.issue !== issue),
    )
    .map(
      ({ name }) =>
        `issue: ${name} gets new keys in an up of its own, since its machine is replaced in this one; do the keys first, then the machine.`,
    );
}

/** What this run issued, or an earlier one. */
export interface Leaf {
  readonly serial: string;
  /** RFC 3339. */
  readonly starts: string;
  readonly ends: string;
}

/**
 * The record of the next run. Ended certificates go only as others come, by whose start it is judged: no clock is read,
 * and a run that issues nothing records the same. What is revoked stays for good: one entry less would restart members.
 */
export function issuedAfter(
  config: ClusterConfig,
  previous: Issued | undefined,
  leaves: Readonly<Record<string, Leaf>>,
): Issued {
  const asked = askedFor(config);
  const added = Object.entries(leaves).filter(
    ([name, { serial }]) => !(previous?.[name] ?? []).some((one) => one.serial === serial),
  );
  const latest = added
    .map(([, { starts }]) => starts)
    .reduce((a, b) => (Date.parse(a) > Date.parse(b) ? a : b), "");
  const names = [...new Set([...Object.keys(previous ?? {}), ...Object.keys(leaves)])].sort();
  const entries = names.map((name) => {
    const before = (previous?.[name] ?? []).map(
      (one): IssuedCertificate => (isDropped(one, asked.get(name)) ? { ...one, dropped: true } : one),
    );
    const kept = before.filter(
      ({ ends, dropped }) =>
        (config.revocation && dropped === true) || !(Date.parse(ends) < Date.parse(latest)),
    );
    const news = added
      .filter(([owner]) => owner === name)
      .map(([, { serial, ends }]): IssuedCertificate => ({ serial, issue: asked.get(name) ?? 1, ends }));
    return [name, [...kept, ...news]] as const;
  });
  return Object.fromEntries(entries.filter(([, all]) => all.length > 0));
}
