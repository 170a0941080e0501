/** What the last healthy run left: read back at the start of the next one, as plain data. */

import { isRecord, type Json } from "../lib/json.ts";
import type { Issued, IssuedCertificate } from "./issued.ts";

/** The form that this version writes. The one before it had no number, and is read; a later one is refused. */
export const FORM = 2;

export interface DeployedNode {
  readonly address: string;
  readonly incarnation: number;
  readonly initialState: "new" | "existing";
  readonly initialCluster: string;
  /** Where this incarnation was before: its certificates still name these addresses, so that they need not change again. */
  readonly formerAddresses?: readonly string[];
  /** Digest of the machine that the program created for it; absent for a given machine. */
  readonly machine?: string;
  /** Availability zone of that machine, and of its data volume. */
  readonly zone?: string;
  /** Id of the machine itself. */
  readonly instance?: string;
  /** How its host is logged in to, which the connection, a secret, does not tell the next plan; see login.ts. */
  readonly login?: Json;
}

/** A node that was a member once, and is none now. */
export interface FormerNode {
  /** Its last one; 0 where it was not recorded. */
  readonly incarnation: number;
  /** Declared lost: its data may still be on a host, of a member that the cluster has removed. */
  readonly lost: boolean;
}

/** What a CA was created with; of a given one, whose key it has. */
export interface AuthorityTerms {
  /** Digest of its public key, if it was given. */
  readonly publicKey?: string;
  /** Digest of all certificates that were given with it. */
  readonly chain?: string;
  readonly algorithm?: string;
  readonly validityDays?: string;
  /** RFC 3339. */
  readonly expires?: string;
}

export interface DeployedAuthority {
  /** Numbers of the CAs that members trust; the first one issues. */
  readonly list: readonly number[];
  /** By number. */
  readonly terms: Readonly<Record<string, AuthorityTerms>>;
}

/** etcd's authentication. */
export interface Access {
  /** Whether it is on. */
  readonly auth: boolean;
  /** What each user may do, like `readwrite prefix /app1/`; nobody while it is off. */
  readonly users: Readonly<Record<string, readonly string[]>>;
}

/** The last restore of a cluster. */
export interface RestoredFrom {
  readonly snapshot: string;
  readonly sha256: string;
  readonly id: number;
  /** The token of the cluster before; nothing where the stack was new. */
  readonly from?: string;
}

export interface Deployed {
  readonly form: typeof FORM;
  readonly version: string;
  readonly token: string;
  readonly dataDir: string;
  readonly adminHost: string;
  /** The member that guards the admin host's machine, where the program creates machines. */
  readonly deputy?: string;
  /** RFC 3339: no host's clock may be before it. Fixed as the cluster was bootstrapped. */
  readonly notBefore?: string;
  readonly nodes: Readonly<Record<string, DeployedNode>>;
  /** Former members by name: only they may be declared lost without being in `nodes`. */
  readonly former: Readonly<Record<string, FormerNode>>;
  readonly clientCa?: DeployedAuthority;
  readonly peerCa?: DeployedAuthority;
  /** Absent in the record of a program that revoked nothing. */
  readonly issued?: Issued;
  /** etcd's authentication, where it is managed. */
  readonly rbac?: Access;
  /** What the cluster began with, if it was ever restored. */
  readonly restore?: RestoredFrom;
}

const KEYS = [
  "form",
  "version",
  "token",
  "dataDir",
  "adminHost",
  "deputy",
  "notBefore",
  "nodes",
  "former",
  "clientCa",
  "peerCa",
  "issued",
  "rbac",
  "restore",
];

/** Nothing on a new stack; throws one sentence if no run of this program can have left the value. */
export function parseDeployed(value: unknown): Deployed | undefined {
  if (value === undefined || value === null) return undefined;
  const top = record(value, "it");
  refuseNewerForm(top);
  const nodes = Object.entries(record(top.nodes, "nodes")).map(
    ([name, node]) => [name, parseNode(node, name)] as const,
  );
  if (nodes.length === 0) throw unusable("it names no node");
  return {
    form: FORM,
    version: text(top, "version"),
    token: text(top, "token"),
    dataDir: text(top, "dataDir"),
    adminHost: text(top, "adminHost"),
    ...(top.deputy === undefined ? {} : { deputy: text(top, "deputy") }),
    ...(top.notBefore === undefined ? {} : { notBefore: text(top, "notBefore") }),
    nodes: Object.fromEntries(nodes),
    former: parseFormer(top.former),
    ...(top.clientCa === undefined ? {} : { clientCa: parseAuthority(top.clientCa, "clientCa") }),
    ...(top.peerCa === undefined ? {} : { peerCa: parseAuthority(top.peerCa, "peerCa") }),
    ...(top.issued === undefined ? {} : { issued: parseIssued(top.issued) }),
    ...(top.rbac === undefined ? {} : { rbac: parseAccess(top.rbac) }),
    ...(top.restore === undefined ? {} : { restore: parseRestored(top.restore) }),
  };
}

/** What this version does not know it would drop, and with it what a later one relies on. */
function refuseNewerForm(top: Json): void {
  const { form = 1 } = top;
  const unknown = Object.keys(top).filter((key) => !KEYS.includes(key));
  if ((form !== 1 && form !== FORM) || unknown.length > 0) {
    const what = unknown.length > 0 ? `it has ${unknown.join(", ")}` : `its form is ${JSON.stringify(form)}`;
    throw new Error(
      `The stack's output "deployed" was written by a newer version of this program (${what}); nothing is changed: run that version.`,
    );
  }
}

function parseNode(value: unknown, name: string): DeployedNode {
  const node = record(value, `nodes.${name}`);
  const { initialState } = node;
  const path = `nodes.${name}.`;
  const incarnation = wholeNumber(node.incarnation, `${path}incarnation`);
  if (initialState !== "new" && initialState !== "existing") {
    throw unusable(`${path}initialState is neither new nor existing`);
  }
  return {
    address: text(node, "address", path),
    incarnation,
    initialState,
    initialCluster: text(node, "initialCluster", path),
    ...(node.formerAddresses === undefined
      ? {}
      : { formerAddresses: texts(node.formerAddresses, `${path}formerAddresses`) }),
    ...(node.machine === undefined ? {} : { machine: text(node, "machine", path) }),
    ...(node.zone === undefined ? {} : { zone: text(node, "zone", path) }),
    ...(node.instance === undefined ? {} : { instance: text(node, "instance", path) }),
    ...(node.login === undefined ? {} : { login: record(node.login, `${path}login`) }),
  };
}

/** The first form had their names only. */
function parseFormer(value: unknown): Readonly<Record<string, FormerNode>> {
  if (value === undefined) return {};
  if (Array.isArray(value)) {
    const names = texts(value, "former");
    return Object.fromEntries(names.map((name) => [name, { incarnation: 0, lost: false }]));
  }
  const nodes = Object.entries(record(value, "former"));
  return Object.fromEntries(nodes.map(([name, node]) => [name, parseFormerNode(node, `former.${name}`)]));
}

function parseFormerNode(value: unknown, path: string): FormerNode {
  const { incarnation, lost } = record(value, path);
  if (typeof lost !== "boolean") throw unusable(`${path}.lost is neither true nor false`);
  return { incarnation: wholeNumber(incarnation, `${path}.incarnation`), lost };
}

/** The first form had the terms of one CA only. */
function parseAuthority(value: unknown, path: string): DeployedAuthority {
  const fields = record(value, path);
  if (fields.list === undefined) return { list: [1], terms: { "1": textRecord(fields, path) } };
  if (!Array.isArray(fields.list)) throw unusable(`${path}.list is not a list`);
  const numbers = fields.list.map((number: unknown) => wholeNumber(number, `${path}.list`));
  const terms = Object.entries(record(fields.terms, `${path}.terms`)).map(
    ([number, one]) => [number, textRecord(one, `${path}.terms.${number}`)] as const,
  );
  return { list: numbers, terms: Object.fromEntries(terms) };
}

function parseAccess(value: unknown): Access {
  const { auth, users } = record(value, "rbac");
  if (typeof auth !== "boolean") throw unusable("rbac.auth is neither true nor false");
  const grants = Object.entries(record(users, "rbac.users"));
  return {
    auth,
    users: Object.fromEntries(grants.map(([name, all]) => [name, texts(all, `rbac.users.${name}`)])),
  };
}

function parseRestored(value: unknown): RestoredFrom {
  const fields = record(value, "restore");
  return {
    snapshot: text(fields, "snapshot", "restore."),
    sha256: text(fields, "sha256", "restore."),
    id: wholeNumber(fields.id, "restore.id"),
    ...(fields.from === undefined ? {} : { from: text(fields, "from", "restore.") }),
  };
}

function parseIssued(value: unknown): Issued {
  const names = Object.entries(record(value, "issued")).map(([name, all]) => {
    if (!Array.isArray(all)) throw unusable(`issued.${name} is not a list`);
    return [name, all.map((one: unknown) => parseIssuedCertificate(one, `issued.${name}`))] as const;
  });
  return Object.fromEntries(names);
}

function parseIssuedCertificate(value: unknown, path: string): IssuedCertificate {
  const fields = record(value, path);
  const serial = text(fields, "serial", `${path}.`);
  if (!/^\d+$/.test(serial)) throw unusable(`${path}.serial is not a number`);
  return {
    serial,
    issue: wholeNumber(fields.issue, `${path}.issue`),
    ends: text(fields, "ends", `${path}.`),
    ...(fields.dropped === true ? { dropped: true } : {}),
  };
}

// Unlike those of lib/json.ts these throw: with an incomplete record the cluster would be bootstrapped again.

function record(value: unknown, what: string): Json {
  if (!isRecord(value)) throw unusable(`${what} is not an object`);
  return value;
}

function text(fields: Json, key: string, path = ""): string {
  const value = fields[key];
  if (typeof value !== "string" || value === "") throw unusable(`${path}${key} is not a string`);
  return value;
}

function texts(value: unknown, what: string): readonly string[] {
  if (!Array.isArray(value)) throw unusable(`${what} is not a list`);
  return value.map((entry: unknown) => {
    if (typeof entry !== "string") throw unusable(`${what} contains something other than strings`);
    return entry;
  });
}

function textRecord(value: unknown, what: string): Readonly<Record<string, string>> {
  const fields = record(value, what);
  return Object.fromEntries(Object.keys(fields).map((key) => [key, text(fields, key, `${what}.`)]));
}

function wholeNumber(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw unusable(`${what} is not a whole number`);
  return value;
}

function unusable(what: string): Error {
  return new Error(
    `The stack's output "deployed" cannot be used: ${what}; it may come from another program or version, so nothing is changed.`,
  );
}
