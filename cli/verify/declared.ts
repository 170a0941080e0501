// What the stack's state says of each host: what its last successful steps declared.
import { createHash } from "node:crypto";
import {
  AUTHORITY_ROLES,
  authorityNamed,
  BEFORE,
  CLUSTER,
  certificateIn,
  issueOf,
  LEAF_ROLES,
  type LeafRole,
  leafIn,
  MEMBERSHIP,
  partOf,
} from "../../cluster/resource-names.ts";
import { optionsOf } from "../../host/options.ts";
import { PKI_DIR, PROGRAM, UNIT_FILE } from "../../host/paths.ts";
import { type Json, list, record, text } from "../../lib/json.ts";

/** The state's resources by name, without those pending deletion. */
export type State = ReadonlyMap<string, Json>;

/** `exported` is what `pulumi stack export` prints. */
export function stateOf(exported: unknown): State {
  const resources = list(record(record(exported).deployment).resources).map(record);
  const kept = resources.filter((resource) => resource.delete !== true);
  return new Map(kept.map((resource) => [text(resource.urn).split("::").at(-1) ?? "", resource]));
}

export interface Declared {
  readonly incarnation: string;
  /** Lines that `etcd-host verify --declared` reads. */
  readonly lines: string;
}

/** Nothing while the host has no member in the state. */
export function declaredOf(state: State, name: string): Declared | undefined {
  const host = inputs(state, partOf(name, "host"));
  const member = inputs(state, partOf(name, "member"));
  const unit = text(member.stdin);
  if (unit === "") return undefined;
  const release = optionsOf(text(inputs(state, partOf(name, "binaries")).create));
  const digests = ["amd64", "arm64"].map((arch) => release.get(`sha256-${arch}`) ?? "-");
  return {
    incarnation: optionsOf(text(member.create)).get("incarnation") ?? "",
    lines: [
      file(PROGRAM, text(host.stdin)),
      file(UNIT_FILE, unit),
      ...certificates(state, name),
      `release ${release.get("version")} ${digests.join(" ")}`,
      ...members(state),
      ...access(state),
      "",
    ].join("\n"),
  };
}

/** Keys are secrets of the state: the host's own records check those. */
function certificates(state: State, name: string): readonly string[] {
  const step = optionsOf(text(inputs(state, partOf(name, "certificates")).create));
  const lists = { client: numbers(step.get("client-ca")), peer: numbers(step.get("peer-ca")) };
  const bundles = AUTHORITY_ROLES.map((role) => {
    const trusted = lists[role].toSorted((a, b) => a - b).map((number) => authorityNamed(role, number));
    const pems = trusted.map((ca) => given(state, ca)?.pem ?? certificatePem(state, certificateIn(ca)));
    return file(`${PKI_DIR}/${role}-ca.crt`, pems.join(""));
  });
  const leafs = LEAF_ROLES.map((role) => {
    const signs = role === "peer" ? "peer" : "client";
    const issuer = given(state, authorityNamed(signs, lists[signs][0] ?? 1));
    const pem = certificatePem(state, newest(state, name, role));
    return file(`${PKI_DIR}/${role}.crt`, issuer?.inLeafs ? pem + issuer.pem : pem);
  });
  return [...bundles, ...leafs];
}

/** The CAs that the host's step names where one was rotated, the issuing one first. */
function numbers(list = "1"): readonly number[] {
  return list.split(",").map(Number);
}

/** A CA that somebody else made is no resource: the cluster says which certificate hosts have of it. */
function given(state: State, ca: string): { readonly pem: string; readonly inLeafs: boolean } | undefined {
  const { certPem, inLeafs } = record(record(record(state.get(CLUSTER)?.outputs).givenCas)[ca]);
  return certPem === undefined ? undefined : { pem: text(certPem), inLeafs: inLeafs === true };
}

function certificatePem(state: State, certificate: string): string {
  const { certPem } = record(state.get(certificate)?.outputs);
  return `${text(certPem).trimEnd()}\n`;
}

/** The certificate of the highest issue: those before it are deleted last. */
function newest(state: State, node: string, role: LeafRole): string {
  const issue = Math.max(1, ...[...state.keys()].map((name) => issueOf(name, node, role) ?? 1));
  return certificateIn(leafIn(node, role, issue));
}

function members(state: State): readonly string[] {
  // not the proof's: until it has passed, the state has none, or that of the members before
  const lines = text(inputs(state, BEFORE).stdin).split("\n");
  return lines.filter((line) => line.startsWith("member "));
}

/** Users and what they may do, where the stack manages them. */
function access(state: State): readonly string[] {
  const lines = text(inputs(state, MEMBERSHIP).stdin).split("\n");
  return lines.filter((line) => /^(auth|user|grant) /.test(line));
}

function inputs(state: State, name: string): Json {
  return record(state.get(name)?.inputs);
}

function file(path: string, content: string): string {
  return `file ${createHash("sha256").update(content).digest("hex")} ${path}`;
}
