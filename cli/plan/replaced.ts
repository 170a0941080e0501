/** Steps and keys that are made again although nothing of them changes: by request, tainted, or not in the state. */

import { AUTHORITY_ROLES, authorityNamed, CLUSTER_STEPS, keyIn } from "../../cluster/resource-names.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { HostResources } from "./host-resources.ts";
import type { ClusterRow, HostRow } from "./model.ts";
import type { Resource } from "./preview.ts";
import { inWords, isPartial, type Selection } from "./selection.ts";

/** Of one host, by what they are: `member`, `server-key`. A proven host whose step is created has lost it in the state. */
export function replacedParts(
  { host, binaries, certificates, member, leafKeys }: HostResources,
  isProven: boolean,
): readonly string[] {
  const parts = Object.entries({ host, binaries, certificates, member, ...keyed(leafKeys) });
  return parts.filter(([, part]) => isMadeAgain(part, isProven) && !isNewIssue(part)).map(([name]) => name);
}

function keyed(leafKeys: HostResources["leafKeys"]): Record<string, Resource | undefined> {
  return Object.fromEntries(Object.entries(leafKeys).map(([role, key]) => [keyIn(role), key]));
}

/** Asked for: a key of the first issue has no number in its name. */
function isNewIssue(key: Resource | undefined): boolean {
  return key?.op === "create" && /\.\d+-key$/.test(key.name);
}

function isMadeAgain(resource: Resource | undefined, isProven: boolean): boolean {
  return resource?.op === "replace" || (resource?.op === "create" && isProven);
}

export function replacedRow(
  resources: readonly Resource[],
  deployed: Deployed | undefined,
): readonly ClusterRow[] {
  const names = resources
    .filter((one) => CLUSTER_STEPS.includes(one.name) && isMadeAgain(one, deployed !== undefined))
    .map(({ name }) => name)
    .sort();
  if (names.length === 0) return [];
  return [{ step: "replace", text: `${names.join(", ")}: made again, and run again` }];
}

/** Why a replacement would harm a cluster that has been proven. */
export function refuseHarm(
  resources: readonly Resource[],
  deployed: Deployed | undefined,
): readonly string[] {
  if (deployed === undefined) return [];
  const record = resources.some(({ type, op }) => type === "pulumi:pulumi:Stack" && op === "replace");
  const made = (name: string) => resources.some((one) => one.name === name && isMadeAgain(one, true));
  const cas = AUTHORITY_ROLES.flatMap((role) =>
    (deployed[`${role}Ca`]?.list ?? [1]).map((number) => authorityNamed(role, number)),
  ).filter((ca) => made(keyIn(ca)));
  const volumes = Object.keys(deployed.nodes).filter((node) =>
    resources.some(({ name, op }) => name === `${node}-data` && op === "replace"),
  );
  return [
    ...(record
      ? [
          "the stack: with its own resource its outputs are replaced, and with them the record of what was proven; name the resources that are meant.",
        ]
      : []),
    ...twins(resources),
    ...cas.map(
      (ca) =>
        `${keyIn(ca)}: with another key it is another authority, which no member trusts: every new certificate would be refused on its host; leave it as it is (another key is a rotation: docs/certificates.md), or restore it from a backup of the state.`,
    ),
    ...volumes.map(
      (node) =>
        `${node}-data: its data volume would be replaced by an empty one, and without its data the member may not start; to start it empty, raise its incarnation.`,
    ),
  ];
}

/** A step that was renamed in the state: its delete is that of the one that takes its place, on the same host. */
function twins(resources: readonly Resource[]): readonly string[] {
  return resources
    .filter(({ op, old }) => op === "delete" && old.inputs.delete !== undefined)
    .flatMap((gone) => {
      const stays = resources.find(({ new: now }) => now.inputs.delete === gone.old.inputs.delete);
      if (stays === undefined) return [];
      return [
        `${gone.name}: it is the step ${stays.name} under another name, and its delete would give that one up; name it back: pulumi state rename '${gone.urn}' ${stays.name}.`,
      ];
    });
}

/** Rows whose members change, and the step of the cluster that has to run with them. */
const ACCOMPANIED = {
  before: ["restart", "join", "replace", "rebuild", "restore"],
  membership: ["remove"],
} as const satisfies Readonly<Record<string, readonly HostRow["action"][]>>;

/** Why a part of the stack alone would change members without what makes that safe. */
export function refuseUnaccompanied(
  resources: readonly Resource[],
  hosts: readonly HostRow[],
  selection: Selection,
  deployed: Deployed | undefined,
): readonly string[] {
  if (deployed === undefined || !isPartial(selection)) return [];
  return Object.entries(ACCOMPANIED).flatMap(([step, actions]) => {
    if (resources.some(({ name, changes }) => name === step && changes)) return [];
    const changed = hosts.filter(({ action }) => actions.some((one) => one === action));
    return changed.map(
      ({ name, action }) =>
        `${name}: ${inWords(selection)} leaves out the step ${step}, which proves that the cluster bears what happens here (${action}); select that step too, or the whole stack.`,
    );
  });
}
