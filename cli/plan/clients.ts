/** What happens to the named clients, and to certificates that are no longer asked for. */

import { clientOf } from "../../cluster/resource-names.ts";
import { type Json, text } from "../../lib/json.ts";
import type { Resource } from "./preview.ts";
import { type Found, NONE } from "./security-row.ts";
import { certificates, lineDiff, revocations } from "./unit-diff.ts";

type Change = "created" | "removed" | "issued anew" | "renewed" | "changed" | "updated";

/** `client app1: created`, sorted. */
export function clientChanges(resources: readonly Resource[]): readonly string[] {
  return changesOf(resources).map(({ name, change }) => `client ${name}: ${change}`);
}

/** Who gets in, and who no longer does; a renewal has the same key. */
export function clientRows(resources: readonly Resource[]): readonly Found[] {
  return changesOf(resources).flatMap(({ name, change }): readonly Found[] => {
    if (change === "renewed" || change === "updated") return [];
    return [
      {
        kind: "access",
        what: `client ${name}`,
        old: change === "created" ? NONE : "has a certificate",
        new: change === "removed" ? NONE : change,
        note: NOTES[change],
      },
    ];
  });
}

const NOTES: Readonly<Record<Exclude<Change, "renewed" | "updated">, string>> = {
  created: "without rbac: true it may do everything",
  removed: "its certificate is accepted until its end, unless it is revoked",
  "issued anew": "its former certificates are accepted until their end, unless they are revoked",
  changed: "",
};

/** Certificates that members no longer accept, or accept again. */
export function revocationRows(member: Resource | undefined): readonly Found[] {
  if (member === undefined || !member.changes || member.op === "delete" || member.op === "create") return [];
  const diff = lineDiff(text(member.old.inputs.stdin), text(member.new.inputs.stdin));
  return revocations(diff).map(({ name, old, now }) => ({
    kind: "access",
    what: `certificates of ${name}`,
    old: `${certificates(old)} refused`,
    new: `${certificates(now)} refused`,
  }));
}

function changesOf(resources: readonly Resource[]): readonly { name: string; change: Change }[] {
  const byClient = Map.groupBy(
    resources.filter(({ name, changes }) => changes && clientOf(name) !== undefined),
    ({ name }) => clientOf(name) ?? "",
  );
  return [...byClient]
    .map(([name, parts]) => ({ name, change: changeOf(parts) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function changeOf(parts: readonly Resource[]): Change {
  const keys = new Set(parts.filter(({ name }) => name.endsWith("-key")).map(({ op }) => op));
  if (keys.has("replace") || (keys.has("create") && keys.has("delete"))) return "issued anew";
  if (keys.has("create")) return "created";
  if (keys.has("delete")) return "removed";
  if (parts.every(({ op }) => op !== "replace")) return "updated"; // when it is due
  return parts.every(isRenewal) ? "renewed" : "changed";
}

/** Of the same request, for the same time; another CA has a row of its own. */
function isRenewal({ name, op, old, new: now }: Resource): boolean {
  const inputs = ({ earlyRenewalHours: _, caCertPem: __, caPrivateKeyPem: ___, ...rest }: Json) =>
    JSON.stringify(Object.entries(rest).sort());
  return op === "replace" && name.endsWith("-cert") && inputs(old.inputs) === inputs(now.inputs);
}
