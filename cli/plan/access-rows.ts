/** What changes of etcd's authentication, its users and what they may do. */

import { type Asked, accessOf } from "../../cluster/access.ts";
import type { Access, Deployed } from "../../cluster/deployed.ts";
import { list, record, text } from "../../lib/json.ts";
import type { ClusterRow } from "./model.ts";
import type { Resource } from "./preview.ts";
import { type Found, listed, NONE } from "./security-row.ts";

/** What the step behind the members does, in the words of the configuration. */
export function accessRow(config: Asked, deployed: Deployed | undefined): readonly ClusterRow[] {
  const [before, now] = [deployed?.rbac, accessOf(config)];
  const says = [...switched(before, now), ...users(before, now).flatMap(userChange)];
  return says.length === 0 ? [] : [{ step: "access", text: says.join("; ") }];
}

function switched(before: Access | undefined, now: Access | undefined): readonly string[] {
  if (now?.auth === true && before?.auth !== true) return ["auth is switched on"];
  if (now?.auth === false && before?.auth === true)
    return ["auth is switched OFF: every certificate may do everything"];
  if (now?.auth === false && before === undefined)
    return [
      "auth, if somebody has switched it on by hand, is switched OFF: every certificate may do everything",
    ];
  return [];
}

interface UserChange {
  readonly name: string;
  readonly old: readonly string[] | undefined;
  readonly now: readonly string[] | undefined;
}

/** Those that are made, removed, or may do something else; while authentication is off, users stay as they are. */
function users(before: Access | undefined, now: Access | undefined): readonly UserChange[] {
  if (now?.auth !== true) return [];
  const names = [...new Set([...Object.keys(before?.users ?? {}), ...Object.keys(now.users)])].sort();
  return names
    .map((name) => ({ name, old: before?.users[name], now: now.users[name] }))
    .filter(({ old, now: wanted }) => old?.join("\n") !== wanted?.join("\n"));
}

function userChange({ name, old = [], now }: UserChange): readonly string[] {
  if (now === undefined) return [`${name} is removed`];
  const given = now
    .filter((grant) => !old.includes(grant))
    .map((grant) => inWords(grant) + before(old.find((one) => rangeOf(one) === rangeOf(grant))));
  const ranges = now.map(rangeOf);
  const taken = old.filter((grant) => !ranges.includes(rangeOf(grant))).map(inWords);
  return [
    ...(now.length === 0 && old.length === 0 ? [`${name} may do nothing`] : []),
    ...(given.length === 0 ? [] : [`${name} may ${given.join(", ")}`]),
    ...(taken.length === 0 ? [] : [`${name} may no longer ${taken.join(", ")}`]),
  ];
}

/** `readwrite prefix /app1/` → `readwrite /app1/`; a single key is called one. */
function inWords(grant: string): string {
  return grant.replace(" prefix ", " ").replace(" key ", " the key ");
}

/** What it was for the same keys: less may be as much of a change as more. */
function before(grant: string | undefined): string {
  return grant === undefined ? "" : ` (before: ${grant.split(" ", 1)[0]})`;
}

function rangeOf(grant: string): string {
  return grant.slice(grant.indexOf(" "));
}

export function accessRows(config: Asked, deployed: Deployed | undefined): readonly Found[] {
  const [before, now] = [deployed?.rbac, accessOf(config)];
  const state = (access: Access | undefined) =>
    access === undefined ? "not managed" : access.auth ? "on" : "off";
  const auth: Found = { kind: "access", what: "authentication", old: state(before), new: state(now) };
  const grants = (all: readonly string[] | undefined) =>
    all === undefined ? NONE : all.length === 0 ? "nothing" : listed(all);
  return [
    ...(auth.old === auth.new ? [] : [auth]),
    ...users(before, now).map(
      (user): Found => ({
        kind: "access",
        what: `what ${user.name} may do`,
        old: grants(user.old),
        new: grants(user.now),
      }),
    ),
  ];
}

/** Whoever has the certificate is known by another name. */
export function commonNameRows(resources: readonly Resource[]): readonly Found[] {
  return resources.flatMap(({ name, type, op, old, new: now }): readonly Found[] => {
    if (!type.endsWith(":CertRequest") || op === "create" || op === "delete") return [];
    const [before, after] = [old, now].map(({ inputs }) => commonName(inputs.subject));
    if (before === after) return [];
    const whose = name.replace(/-csr$/, "");
    return [{ kind: "access", what: `common name of ${whose}`, old: before ?? NONE, new: after ?? NONE }];
  });
}

/** An older form of the resource had a list of one. */
function commonName(subject: unknown): string {
  const [first = subject] = list(subject);
  return text(record(first).commonName);
}
