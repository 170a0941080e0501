/** What an `up` does on a host, in a word. */

import type { Deployed } from "../../cluster/topology.ts";
import type { NodeConfig } from "../../config/model.ts";
import { optionsOf } from "../../host/options.ts";
import { type Json, text } from "../../lib/json.ts";
import type { HostResources } from "./host-resources.ts";
import { isAnother } from "./machines.ts";
import type { Action } from "./model.ts";
import { type Resource, UNKNOWN } from "./preview.ts";

interface Known {
  readonly unitChanges: boolean;
  /** Whether this incarnation was a member in the last proof. */
  readonly isProven: boolean;
  readonly replaced: readonly string[];
  /** Whether the whole cluster is restored. */
  readonly restores: boolean;
}

export function memberAction(
  node: NodeConfig,
  { host, binaries, certificates, member, upkeep, leafCertificates, instance }: HostResources,
  deployed: Deployed | undefined,
  { unitChanges, isProven, replaced, restores }: Known,
): Action {
  if (restores) return "restore";
  const steps = { host, binaries, certificates };
  if (member?.op === "create") {
    if (!isProven) return deployed === undefined ? "bootstrap" : "join";
    return isAnother(instance) ? "rebuild" : "repeat";
  }
  if (member?.changes) {
    if (isReplaced(node, member, deployed)) return "replace";
    if (isAnother(instance)) return "rebuild";
    const changed = changedOptions(member);
    if (unitChanges || changed.includes("bundles")) return "restart";
    return changed.length > 0 || !replaced.includes("member") ? "compare" : "repeat";
  }
  if (Object.keys(steps).some((step) => replaced.includes(step))) return "repeat";
  if (onlyRenews(steps, leafCertificates) && !upkeep?.changes) return "renew";
  if (Object.values(leafCertificates).some((leaf) => leaf?.changes && !isDue(leaf))) return "reissue";
  if ([...Object.values(steps), upkeep].some((step) => step?.changes)) return "prepare";
  return "nothing";
}

/** Leaf certificates that are due, and nothing else: no other text of the host changes. */
function onlyRenews(
  { host, binaries, certificates }: Pick<HostResources, "host" | "binaries" | "certificates">,
  leafCertificates: HostResources["leafCertificates"],
): boolean {
  const issued = Object.values(leafCertificates).filter((leaf) => leaf?.changes);
  const others = [host, binaries].some((step) => step?.changes);
  const same = certificates?.diffReasons.every((reason) => reason === "stdin");
  return (
    certificates?.changes === true &&
    issued.length > 0 &&
    issued.every((leaf) => leaf !== undefined && isDue(leaf)) &&
    !others &&
    same === true
  );
}

/** Reissued with the same names, uses and validity; only the time from which it is due may differ. */
function isDue(leaf: Resource): boolean {
  const inputs = ({ earlyRenewalHours: _, ...rest }: Json) => JSON.stringify(Object.entries(rest).sort());
  return leaf.op !== "create" && inputs(leaf.old.inputs) === inputs(leaf.new.inputs);
}

/** A raised incarnation, read from the step itself; from the last proof where its text is not yet known. */
function isReplaced(node: NodeConfig, member: Resource, deployed: Deployed | undefined): boolean {
  const before = optionsOf(text(member.old.inputs.create)).get("incarnation");
  return (before ?? String(deployed?.nodes[node.name]?.incarnation)) !== String(node.incarnation);
}

/** Options of a step's call that differ; all that matter if the new text is known only when `up` gets there. */
export function changedOptions(step: Resource): readonly string[] {
  const now = text(step.new.inputs.update);
  if (now === UNKNOWN) return ["bundles"];
  const before = optionsOf(text(step.old.inputs.update));
  const after = optionsOf(now);
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => before.get(key) !== after.get(key),
  );
}
