/**
 * Names of what the program registers: components give them, previews, states and policies are searched for them. They
 * are part of the URNs of every stack, so no release may change them.
 */

/** What the types of all components begin with. */
const COMPONENT = "etcd:";

/** The component of the cluster itself. */
export const CLUSTER = "etcd";

export const MEMBER_TYPE = `${COMPONENT}cluster:Member`;
export const INSTALLATION_TYPE = `${COMPONENT}cluster:Installation`;
export const UPKEEP_TYPE = `${COMPONENT}host:Upkeep`;

export function isComponentType(type: string): boolean {
  return type.startsWith(COMPONENT);
}

/** The leaf certificates on every host. */
export const LEAF_ROLES = ["server", "peer", "operator"] as const;
export type LeafRole = (typeof LEAF_ROLES)[number];

/** What belongs to one node. */
export type NodePart =
  | "key-exchange"
  | "host"
  | "binaries"
  | "certificates"
  | "restore"
  | "halt"
  | "member"
  | "upkeep"
  | "guard"
  | "instance"
  | LeafRole;

export function partOf(node: string, part: NodePart): string {
  return `${node}-${part}`;
}

/** The node that this is the part of; nothing where it is another part. */
export function nodeOf(resource: string, part: NodePart): string | undefined {
  const end = partOf("", part);
  return resource.endsWith(end) ? resource.slice(0, -end.length) : undefined;
}

/**
 * The component of a host's own certificate. A raised issue is a component of its own, and so a new key: the first one
 * keeps the name that it always had. A dot is in no node's name.
 */
export function leafIn(node: string, role: LeafRole, issue: number): string {
  return issued(partOf(node, role), issue);
}

/** The issue of a host's own certificate, from the name of a resource in it; nothing where it is of something else. */
export function issueOf(resource: string, node: string, role: LeafRole): number | undefined {
  const leaf = partOf(node, role);
  if (!resource.startsWith(leaf)) return undefined;
  const [part, issue = "1"] = /^(?:\.(\d+))?-(?:key|csr|cert)$/.exec(resource.slice(leaf.length)) ?? [];
  return part === undefined ? undefined : Number(issue);
}

/** The administrator's certificate. */
export const ADMINISTRATOR = "client";

/** The component of a named client's certificate, one for each issue. */
export function clientIn(client: string, issue: number): string {
  return issued(`${ADMINISTRATOR}.${client}`, issue);
}

/** The named client that a resource belongs to; nothing where it is of something else. */
export function clientOf(resource: string): string | undefined {
  return /^client\.([a-z0-9-]+)(\.\d+)?-(key|csr|cert)$/.exec(resource)?.[1];
}

function issued(component: string, issue: number): string {
  return issue === 1 ? component : `${component}.${issue}`;
}

/** The steps that concern the whole cluster. */
export const BEFORE = "before";
export const MEMBERSHIP = "membership";
export const HEALTH = "health";
export const BACKUP = "backup";
export const CLUSTER_STEPS: readonly string[] = [BEFORE, MEMBERSHIP, HEALTH, BACKUP];

/** The two kinds of CAs: for clients and servers, and among the peers. */
export const AUTHORITY_ROLES = ["client", "peer"] as const;
export type AuthorityRole = (typeof AUTHORITY_ROLES)[number];

/** What a CA of that number is called. The first one keeps the name that it had before there were others. */
export function authorityNamed(role: AuthorityRole, number: number): string {
  return number === 1 ? `${role}-ca` : `${role}-ca-${number}`;
}

export function isAuthority(component: string): boolean {
  return /^(client|peer)-ca(-\d+)?$/.test(component);
}

/** The certificate itself, in the component of that name: of a CA, or of a part of a node. */
export function certificateIn(component: string): string {
  return `${component}-cert`;
}

/** The key of a certificate, in the same component. */
export function keyIn(component: string): string {
  return `${component}-key`;
}

/** A component's child is named after it; without a prefix in the components that carry `usual`, as they did from the start. */
export function childOf(component: string, usual: string, child: string): string {
  return component === usual ? child : `${component}-${child}`;
}
