/** The plan's section "security": what changes of who is trusted, who gets in, and what runs. Old and new, never a secret. */

import { authorityOf } from "../../cluster/authorities.ts";
import {
  AUTHORITY_ROLES,
  authorityNamed,
  certificateIn,
  isAuthority,
  keyIn,
  LEAF_ROLES,
} from "../../cluster/resource-names.ts";
import type { Deployed } from "../../cluster/topology.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { list, text } from "../../lib/json.ts";
import { accessRows, commonNameRows } from "./access-rows.ts";
import { clientRows, revocationRows } from "./clients.ts";
import { formerLeafPart, isComponent, leafPart, resourcesOf } from "./host-resources.ts";
import type { SecurityKind, SecurityRow } from "./model.ts";
import type { Resource, State } from "./preview.ts";
import { cloudRows } from "./security-cloud.ts";
import { givenRows } from "./security-given.ts";
import { allowRows, archiveRows, folderRows } from "./security-host.ts";
import { loginRows } from "./security-login.ts";
import { restoredRows } from "./security-restore.ts";
import { type Found, listed, NONE } from "./security-row.ts";
import { unitRows } from "./security-unit.ts";
import { upkeepRows } from "./upkeep-rows.ts";

/** In the order of the kinds; hosts of which the same is to be said share a row. */
export function securityRows(
  resources: readonly Resource[],
  config: ClusterConfig,
  deployed: Deployed | undefined,
): readonly SecurityRow[] {
  const names = config.nodes.filter((node) => !node.lost);
  const found = [
    ...authorityRows(resources),
    ...issuerRows(config, deployed),
    ...givenRows(config, deployed),
    ...restoredRows(config, deployed),
    ...unprotectedRows(resources),
    ...lifeRows(resources),
    ...clientRows(resources),
    ...loginRows(resources, config, deployed),
    ...names.flatMap(({ name }) => {
      const parts = resourcesOf(name, resources);
      return [
        ...archiveRows(parts, config.release),
        ...unitRows(parts.member),
        ...revocationRows(parts.member),
        ...folderRows(parts.host, config),
        ...upkeepRows(parts.upkeep, config),
        ...nameRows(name, resources),
      ].map((row) => ({ ...row, hosts: [name] }));
    }),
    ...cloudRows(resources),
    ...accessRows(config, deployed),
    ...commonNameRows(resources),
    ...allowRows(resources, config.allow),
  ];
  // a preview lists resources in any order, and the same plan has to look the same
  const text = (row: SecurityRow) => JSON.stringify(row);
  return together(found).toSorted(
    (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (text(a) < text(b) ? -1 : 1),
  );
}

const KINDS: readonly SecurityKind[] = [
  "trust",
  "login",
  "archive",
  "image",
  "exposure",
  "listener",
  "flag",
  "sandbox",
  "names",
  "access",
  "allow",
];

function together(rows: readonly Found[]): readonly SecurityRow[] {
  const same = Map.groupBy(rows, ({ hosts: _, ...row }) => JSON.stringify(row));
  return [...same.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    const hosts = [...new Set(all.flatMap((row) => row.hosts ?? []))].sort();
    return [{ ...first, hosts, note: first.note ?? "" }];
  });
}

const MADE: Readonly<Record<string, string>> = {
  create: "created",
  replace: "another one",
  delete: "removed",
};

/** A CA's key is the CA; its certificate may be renewed with the same key. */
function authorityRows(resources: readonly Resource[]): readonly Found[] {
  const named = resources.map(({ name }) => name.replace(/-(key|cert)$/, "")).filter(isAuthority);
  return [...new Set(named)].flatMap((ca): readonly Found[] => {
    const part = (name: string) => resources.find((one) => one.name === name && !isComponent(one));
    const [key, certificate] = [part(keyIn(ca)), part(certificateIn(ca))];
    const made = key?.changes ? MADE[key.op] : undefined;
    if (made !== undefined)
      return [
        { kind: "trust", what: ca, old: key?.op === "create" ? NONE : "the one that is trusted", new: made },
      ];
    if (certificate?.op !== "replace") return []; // an update changes only when it is due
    return [
      {
        kind: "trust",
        what: `${ca}, its certificate`,
        old: "the present one",
        new: "renewed with the same key",
      },
    ];
  });
}

/** Whoever has the key of the one that issues is every member and every client. */
function issuerRows(
  { certificates }: Pick<ClusterConfig, "certificates">,
  deployed: Deployed | undefined,
): readonly Found[] {
  if (deployed === undefined) return [];
  return AUTHORITY_ROLES.flatMap((role): readonly Found[] => {
    const { proven, wanted } = authorityOf(role, certificates, deployed);
    const [old, now] = [proven.list, wanted].map(([issuing = 1]) => authorityNamed(role, issuing));
    return old === now
      ? []
      : [{ kind: "trust", what: `${role} CA that issues`, old: `${old}`, new: `${now}` }];
  });
}

function unprotectedRows(resources: readonly Resource[]): readonly Found[] {
  return resources
    .filter(({ old, new: now, op }) => op !== "create" && op !== "delete" && old.protected && !now.protected)
    .map(({ name }) => ({ kind: "trust", what: name, old: "protected", new: "not protected" }));
}

/**
 * How long certificates are valid, and whether they are renewed later than before: the same for all of a kind, so a row
 * for all of them. That they are renewed earlier is what time does, too.
 */
function lifeRows(resources: readonly Resource[]): readonly Found[] {
  const kinds = { LocallySignedCert: "leaf certificates", SelfSignedCert: "CAs" };
  return resources.flatMap(({ type, op, changes, old, new: now }): readonly Found[] => {
    const [, whose] = Object.entries(kinds).find(([kind]) => type.endsWith(`:${kind}`)) ?? [];
    if (whose === undefined || !changes || op === "create" || op === "delete") return [];
    const days = (key: string) => [old, now].map(({ inputs }) => Number(inputs[key] ?? 0) / 24);
    const row = (what: string, [before = 0, after = 0]: readonly number[]): Found => ({
      kind: "names",
      what: `${what} of ${whose}, in days`,
      old: `${before}`,
      new: `${after}`,
    });
    const [validity, renewal] = [days("validityPeriodHours"), days("earlyRenewalHours")];
    const [early = 0, late = 0] = renewal;
    return [
      ...(new Set(validity).size > 1 ? [row("validity", validity)] : []),
      ...(late < early ? [row("renewal before the end", renewal)] : []),
    ];
  });
}

/** Names that a leaf certificate gets: whoever has it may answer under them. */
function nameRows(node: string, resources: readonly Resource[]): readonly Found[] {
  return LEAF_ROLES.flatMap((role): readonly Found[] => {
    const [request, leaf] = ["csr", "cert"].map((kind) => leafPart(node, role, kind, resources));
    const [oldRequest, oldLeaf] = ["csr", "cert"].map((kind) => formerLeafPart(node, role, kind, resources));
    return [
      ...difference(`names in the ${role} certificate`, namesOf(oldRequest?.old), namesOf(request?.new)),
      ...difference(`uses of the ${role} certificate`, usesOf(oldLeaf?.old), usesOf(leaf?.new)),
    ];
  });
}

function difference(
  what: string,
  old: readonly string[] | undefined,
  now: readonly string[] | undefined,
): readonly Found[] {
  const added = now?.filter((name) => !old?.includes(name)) ?? [];
  if (old === undefined || added.length === 0) return [];
  const gone = old.filter((name) => !now?.includes(name));
  return [{ kind: "names", what, old: listed(gone), new: listed(added) }];
}

function namesOf(request: State | undefined): readonly string[] | undefined {
  if (request === undefined) return undefined;
  const { dnsNames, ipAddresses } = request.inputs;
  return [...list(dnsNames), ...list(ipAddresses)].map(text);
}

function usesOf(leaf: State | undefined): readonly string[] | undefined {
  if (leaf === undefined) return undefined;
  const { allowedUses, isCaCertificate } = leaf.inputs;
  return [...list(allowedUses).map(text), ...(isCaCertificate === true ? ["it is a CA"] : [])];
}
