/**
 * A restore: all members are founders again, of a cluster that begins with a snapshot. Its token, and with it every ID, is
 * another one, so no member of the cluster before can ever talk to it.
 */

import { createHash } from "node:crypto";
import type { ClusterConfig, RestoreConfig } from "../config/model.ts";
import { CLIENT_PORT } from "../etcd/ports.ts";
import { quorum } from "../etcd/quorum.ts";
import { minorOf, parseVersion } from "../etcd/releases.ts";
import { httpsUrl } from "./bootstraps.ts";
import type { Deployed, RestoredFrom } from "./deployed.ts";

const FOREIGN_SNAPSHOT = "foreign-snapshot";

/** A snapshot that the cluster is, or was, restored from. */
export interface Restore extends RestoreConfig {
  /** Whether this run does it; else it is done, and its steps stay as they are. */
  readonly isPending: boolean;
  /** Client URLs at which members were and none is declared any more: they may still be a quorum. */
  readonly formerEndpoints: readonly string[];
}

/** Nothing where the configuration names none. */
export function restoreOf(
  config: Pick<ClusterConfig, "restore" | "nodes">,
  deployed: Deployed | undefined,
): Restore | undefined {
  const declared = config.nodes.map(({ address }) => address);
  const former = Object.values(deployed?.nodes ?? {}).filter(({ address }) => !declared.includes(address));
  return (
    config.restore && {
      ...config.restore,
      isPending: isPending(config, deployed),
      formerEndpoints: former.map(({ address }) => httpsUrl(address, CLIENT_PORT)),
    }
  );
}

/** Whether it is to be done: nothing has recorded it yet. */
export function isPending(
  { restore }: Pick<ClusterConfig, "restore">,
  deployed: Pick<Deployed, "restore"> | undefined,
): boolean {
  return restore !== undefined && !isSame(restore, deployed?.restore);
}

function isSame(wanted: RestoreConfig, done: RestoredFrom | undefined): boolean {
  return done?.snapshot === wanted.snapshot && done.sha256 === wanted.sha256 && done.id === wanted.id;
}

/** As `restored_token` in host/sh/restore.sh, so that a restore by hand and one by the stack are the same. */
export function tokenAfter(token: string, { sha256, id }: Pick<RestoreConfig, "sha256" | "id">): string {
  const digits = createHash("sha256").update(`${token} ${sha256} ${id}`).digest("hex").slice(0, 8);
  return `${clusterIn(token)}-${digits}`;
}

/** The name of a cluster, without the digits of its token. */
function clusterIn(token: string): string {
  return token.replace(/-[0-9a-f]{8}$/, "");
}

/** What the record of a proven run has of it; nothing where nothing was ever restored. */
export function restoredAfter(
  config: Pick<ClusterConfig, "restore">,
  previous: Deployed | undefined,
): RestoredFrom | undefined {
  const { restore } = config;
  if (restore === undefined || !isPending(config, previous)) return previous?.restore;
  const { snapshot, sha256, id } = restore;
  return { snapshot, sha256, id, ...(previous === undefined ? {} : { from: previous.token }) };
}

/** What the name of a snapshot says of it; the host checks the file. */
export interface SnapshotName {
  /** Of the cluster that it was taken of. */
  readonly token?: string;
  /** MAJOR.MINOR of the data. */
  readonly minor?: string;
  readonly revision?: string;
  /** As "2026-11-27 06:00 UTC". */
  readonly taken?: string;
}

export function readSnapshotName(name: string): SnapshotName {
  const file = name.split("/").at(-1) ?? "";
  const token = name
    .split("/")
    .slice(0, -1)
    .findLast((part) => /.-[0-9a-f]{8}$/.test(part));
  const scheduled = /^(\d{8}T\d{6}Z)-r(\d+)-(\d+\.\d+)-/.exec(file);
  const beforeMinor = /^etcd-(\d+\.\d+)-(\d{8}T\d{6}Z)/.exec(file);
  const minor = scheduled?.[3] ?? beforeMinor?.[1];
  const taken = scheduled?.[1] ?? beforeMinor?.[2];
  const revision = scheduled?.[2];
  return {
    ...(token === undefined ? {} : { token }),
    ...(minor === undefined ? {} : { minor }),
    ...(revision === undefined ? {} : { revision }),
    ...(taken === undefined ? {} : { taken: timeOf(taken) }),
  };
}

function timeOf(stamp: string): string {
  return stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ$/, "$1-$2-$3 $4:$5 UTC");
}

/** "r123456 of 2026-11-27 06:00 UTC", or as much as its name says. */
export function snapshotInWords(name: string): string {
  const { revision, taken } = readSnapshotName(name);
  const what = revision === undefined ? name.split("/").at(-1) : `r${revision}`;
  return taken === undefined ? `${what}` : `${what} of ${taken}`;
}

/** The changes of members that may not come with it, by name. */
export interface RestrictedChanges {
  readonly rebuilt: readonly string[];
  readonly removed: readonly string[];
  readonly lost: readonly string[];
}

/** What cannot go together with a restore, whatever else may. */
export function refuseRestore(
  config: Pick<ClusterConfig, "restore" | "clusterName" | "release" | "allow">,
  deployed: Deployed | undefined,
  changes: RestrictedChanges | undefined,
): readonly string[] {
  const { restore } = config;
  if (restore === undefined || !isPending(config, deployed)) return [];
  const name = readSnapshotName(restore.snapshot);
  return [
    ...refuseMinor(config, name),
    ...refuseForeign(config, name, deployed),
    ...refuseOtherMachines(changes),
    ...refuseRemovals(changes),
    ...refuseLostQuorum(deployed, changes),
  ];
}

function refuseMinor({ release }: Pick<ClusterConfig, "release">, { minor }: SnapshotName): string[] {
  const version = parseVersion(release.version);
  if (minor === undefined || version === undefined || minorOf(version) === minor) return [];
  return [
    `restore: the snapshot is of ${minor}, and version is ${release.version}; restore it with a version ${minor}.x, then change the version in an up of its own.`,
  ];
}

function refuseForeign(
  { allow, clusterName }: Pick<ClusterConfig, "allow" | "clusterName">,
  { token }: SnapshotName,
  deployed: Deployed | undefined,
): string[] {
  if (token === undefined || allow.includes(FOREIGN_SNAPSHOT)) return [];
  const own =
    deployed === undefined
      ? clusterIn(token) === clusterName // its digits are those of CAs that are gone
      : [deployed.token, deployed.restore?.from].includes(token);
  if (own) return [];
  const us = deployed?.token ?? clusterName;
  return [
    `restore: the snapshot is of the cluster ${token}, and this one is ${us}; correct restore.snapshot, or, to begin with another cluster's data, add ${FOREIGN_SNAPSHOT} to allow.`,
  ];
}

/** A machine that is replaced waits for a proof that there is no quorum to give. */
function refuseOtherMachines(changes: RestrictedChanges | undefined): string[] {
  const rebuilt = changes?.rebuilt ?? [];
  if (rebuilt.length === 0) return [];
  return [
    `restore: ${rebuilt.join(", ")} would get another machine in the same up; put the image, type and network back, restore, then change them in an up of its own.`,
  ];
}

/** Its member would go on, as one of the cluster before, until all others are done. */
function refuseRemovals(changes: RestrictedChanges | undefined): string[] {
  const removed = changes?.removed ?? [];
  if (removed.length === 0) return [];
  return [
    `restore: ${removed.join(", ")} would be taken out in the same up, and their members would go on meanwhile; keep them in nodes, restore, then take them out; where a machine is gone for good, set lost: true on its node.`,
  ];
}

/** Nothing is halted on a node that is declared lost: a quorum of them could go on as the cluster before. */
function refuseLostQuorum(deployed: Deployed | undefined, changes: RestrictedChanges | undefined): string[] {
  const lost = changes?.lost ?? [];
  const count = Object.keys(deployed?.nodes ?? {}).length;
  if (lost.length === 0 || lost.length < quorum(count)) return [];
  return [
    `restore: ${lost.join(", ")} are a majority of ${count} members, and nothing is stopped on lost nodes; declare other machines under these names (incarnation raised), or leave one of them to be restored.`,
  ];
}
