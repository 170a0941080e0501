/** What the last healthy run left: read back at the start of the next one, as plain data. */

import { isRecord, type Json } from "../lib/json.ts";

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
}

export interface Deployed {
  readonly version: string;
  readonly token: string;
  readonly dataDir: string;
  readonly adminHost: string;
  /** The member that guards the admin host's machine, where the program creates machines. */
  readonly deputy?: string;
  readonly nodes: Readonly<Record<string, DeployedNode>>;
  /** Names of former members: only they may be declared lost without being in `nodes`. */
  readonly former?: readonly string[];
  readonly clientCa?: Readonly<Record<string, string>>;
  readonly peerCa?: Readonly<Record<string, string>>;
}

/** Nothing on a new stack; throws one sentence if no run of this program can have left the value. */
export function parseDeployed(value: unknown): Deployed | undefined {
  if (value === undefined || value === null) return undefined;
  const top = record(value, "it");
  const nodes = Object.entries(record(top.nodes, "nodes")).map(
    ([name, node]) => [name, parseNode(node, name)] as const,
  );
  if (nodes.length === 0) throw unusable("it names no node");
  return {
    version: text(top, "version"),
    token: text(top, "token"),
    dataDir: text(top, "dataDir"),
    adminHost: text(top, "adminHost"),
    ...(top.deputy === undefined ? {} : { deputy: text(top, "deputy") }),
    nodes: Object.fromEntries(nodes),
    ...(top.former === undefined ? {} : { former: texts(top.former, "former") }),
    ...(top.clientCa === undefined ? {} : { clientCa: textRecord(top.clientCa, "clientCa") }),
    ...(top.peerCa === undefined ? {} : { peerCa: textRecord(top.peerCa, "peerCa") }),
  };
}

function parseNode(value: unknown, name: string): DeployedNode {
  const node = record(value, `nodes.${name}`);
  const { incarnation, initialState } = node;
  if (typeof incarnation !== "number" || !Number.isSafeInteger(incarnation)) {
    throw unusable(`nodes.${name}.incarnation is not a whole number`);
  }
  if (initialState !== "new" && initialState !== "existing") {
    throw unusable(`nodes.${name}.initialState is neither new nor existing`);
  }
  const path = `nodes.${name}.`;
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

function unusable(what: string): Error {
  return new Error(
    `The stack's output "deployed" cannot be used: ${what}; it may come from another program or version, so nothing is changed.`,
  );
}
