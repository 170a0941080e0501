/** What concerns the whole cluster: its version, its CAs, its member list and the proof at the end. */

import { authorityOf } from "../../cluster/authorities.ts";
import type { endedAuthorities } from "../../cluster/ended.ts";
import {
  AUTHORITY_ROLES,
  authorityNamed,
  BEFORE,
  certificateIn,
  HEALTH,
  MEMBERSHIP,
} from "../../cluster/resource-names.ts";
import { isPending } from "../../cluster/restore.ts";
import { shown, stepInWords } from "../../cluster/rotation.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { BUMP_REVISION } from "../../config/restore.ts";
import { minorOf, parseVersion } from "../../etcd/releases.ts";
import { optionsOf } from "../../host/options.ts";
import { text } from "../../lib/json.ts";
import { accessRow } from "./access-rows.ts";
import type { ClusterRow, HostRow } from "./model.ts";
import type { Resource } from "./preview.ts";
import { replacedRow } from "./replaced.ts";
import { backupRow } from "./upkeep-rows.ts";

export function clusterRows(
  resources: readonly Resource[],
  config: Pick<ClusterConfig, "release" | "certificates" | "rbac" | "clients" | "restore">,
  deployed: Deployed | undefined,
  hosts: readonly HostRow[],
  ended: ReturnType<typeof endedAuthorities> = [],
): readonly ClusterRow[] {
  const changes = (name: string) => resources.some((resource) => resource.name === name && resource.changes);
  return [
    ...restoreRow(config, deployed),
    ...versionRow(config, deployed),
    ...authorityRows(resources, config, deployed, ended),
    ...replacedRow(resources, deployed),
    ...checkRow(resources),
    ...lostRow(hosts, deployed, ended.length > 0),
    ...membershipRow(hosts),
    ...(changes(MEMBERSHIP) ? accessRow(config, deployed) : []),
    ...(changes(HEALTH) ? [proofRow(resources)] : []),
    ...backupRow(resources),
  ];
}

/** A CA that is renewed, and a step of a rotation with the list that comes next. */
function authorityRows(
  resources: readonly Resource[],
  { certificates }: Pick<ClusterConfig, "certificates">,
  deployed: Deployed | undefined,
  ended: ReturnType<typeof endedAuthorities>,
): readonly ClusterRow[] {
  if (deployed === undefined) return [];
  const isMade = (ca: string) =>
    resources.some(({ name, op }) => name === certificateIn(ca) && ["create", "replace"].includes(op));
  return AUTHORITY_ROLES.flatMap((role) => {
    const { key, proven, wanted } = authorityOf(role, certificates, deployed);
    const kept = proven.list.filter((number) => wanted.includes(number));
    const texts = kept.flatMap((number) => {
      const ca = authorityNamed(role, number);
      const hasEnded = number === proven.list[0] && ended.some((one) => one.role === role);
      return isMade(ca) ? [renewal(ca, resources, hasEnded)] : [];
    });
    if (shown(proven.list) === shown(wanted)) return texts;
    const { text: step, next } = stepInWords(proven.list, wanted);
    const then = next === undefined ? "" : `; next is ${key}: ${shown(next)}`;
    return [...texts, `${key} ${shown(proven.list)} → ${shown(wanted)}, ${step}${then}`];
  }).map((said): ClusterRow => ({ step: "ca", text: said }));
}

function renewal(ca: string, resources: readonly Resource[], hasEnded: boolean): string {
  const end = text(resources.find(({ name }) => name === certificateIn(ca))?.old.outputs.validityEndTime);
  const clients = hasEnded
    ? `members restart without a proof, since the old one ended on ${end}`
    : `clients outside trust the old one until ${end}`;
  return `${ca} gets a new certificate with the same key; ${clients}`;
}

function restoreRow(
  config: Pick<ClusterConfig, "restore">,
  deployed: Deployed | undefined,
): readonly ClusterRow[] {
  const { restore } = config;
  if (restore === undefined || !isPending(config, deployed)) return [];
  const begins =
    deployed === undefined
      ? "the cluster begins with"
      : "every host lays out and verifies the snapshot first, then all members stop, and the cluster begins again with";
  const { snapshot, sha256, id, bumpRevision } = restore;
  const bump = bumpRevision === BUMP_REVISION ? "" : `, bumpRevision ${bumpRevision}`;
  return [
    { step: "restore", text: `${begins} ${snapshot} (sha256 ${sha256.slice(0, 16)}…, id ${id}${bump})` },
  ];
}

function proofRow(resources: readonly Resource[]): ClusterRow {
  const again = isUnproven(resources)
    ? ": the members were checked since the last proof, by a run that did not end with one"
    : "";
  return { step: "health", text: `the whole cluster is proven healthy${again}` };
}

function isUnproven(resources: readonly Resource[]): boolean {
  // the step, not the component of the same name
  const [before, proof] = [BEFORE, HEALTH].map((name) =>
    resources.find((one) => one.name === name && one.changes),
  );
  if (proof?.op !== "update" || before !== undefined) return false;
  const [old, now] = [proof.old, proof.new].map(({ inputs }) =>
    optionsOf(text(inputs.update)).get("checked"),
  );
  return old !== now;
}

function versionRow(
  { release }: Pick<ClusterConfig, "release">,
  deployed: Deployed | undefined,
): readonly ClusterRow[] {
  if (deployed === undefined || deployed.version === release.version) return [];
  const [from, to] = [parseVersion(deployed.version), parseVersion(release.version)];
  if (from === undefined || to === undefined) return [];
  const step = `etcd ${deployed.version} → ${release.version}`;
  if (minorOf(from) === minorOf(to)) return [{ step: "version", text: `${step}, a patch` }];
  const how =
    to.minor < from.minor
      ? "a downgrade by etcd's own procedure"
      : "a minor upgrade: a snapshot is saved first, and only a downgrade leads back";
  return [{ step: "version", text: `${step}, ${how}` }];
}

/** Options that every run of the step has, or that the hosts' rows show. */
const TOLD = ["check-id", "version", "upgrades-from", "founding", "restore"];

/** What such an option is called in the stack file. */
const SETTINGS: Readonly<Record<string, string>> = {
  first: "rolloutOrder",
  "election-timeout": "electionTimeout",
};

/** The members are checked before anything is touched: the criteria are part of the approval. */
function checkRow(resources: readonly Resource[]): readonly ClusterRow[] {
  const before = resources.find(({ name }) => name === BEFORE);
  if (before === undefined || !before.changes || before.op === "create") return [];
  const [old, now] = [before.old, before.new].map(({ inputs }) => optionsOf(text(inputs.update)));
  const keys = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].filter(
    (key) => !TOLD.includes(key),
  );
  const changed = keys.filter((key) => old?.get(key) !== now?.get(key));
  if (changed.length === 0) return [];
  const says = changed.map((key) => `${SETTINGS[key] ?? key} ${now?.get(key) ?? "none"}`);
  return [{ step: "before", text: `checked with ${says.join(", ")}` }];
}

function lostRow(
  hosts: readonly HostRow[],
  deployed: Deployed | undefined,
  nobodyAnswers: boolean,
): readonly ClusterRow[] {
  const gone = hosts.filter(({ action, name }) => action === "inert" && deployed?.nodes[name] !== undefined);
  if (gone.length === 0) return [];
  return nobodyAnswers
    ? [{ step: "membership", text: `${namesOf(gone)} removed once the others have restarted` }]
    : [{ step: "before", text: `${namesOf(gone)} removed before any member is touched` }];
}

function membershipRow(hosts: readonly HostRow[]): readonly ClusterRow[] {
  const gone = hosts.filter(({ action }) => action === "remove");
  if (gone.length === 0) return [];
  return [{ step: "membership", text: `${namesOf(gone)} removed when all others are healthy` }];
}

function namesOf(hosts: readonly HostRow[]): string {
  return hosts.map(({ name }) => name).join(", ");
}
