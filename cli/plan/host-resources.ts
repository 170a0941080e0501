import {
  isComponentType,
  issueOf,
  LEAF_ROLES,
  type LeafRole,
  type NodePart,
  partOf,
} from "../../cluster/resource-names.ts";
import type { Resource } from "./preview.ts";

/** The resources of one host, by what they are. */
export interface HostResources {
  readonly host: Resource | undefined;
  readonly binaries: Resource | undefined;
  readonly certificates: Resource | undefined;
  /** Lays out what the member starts from, where the cluster is restored. */
  readonly restore?: Resource | undefined;
  /** Stops the member for it. */
  readonly halt?: Resource | undefined;
  readonly member: Resource | undefined;
  /** Its timers, where there are any. */
  readonly upkeep: Resource | undefined;
  /** What the program makes of the machine, on EC2. */
  readonly instance: Resource | undefined;
  /** By role. */
  readonly leafCertificates: Readonly<Record<string, Resource | undefined>>;
  /** By role. */
  readonly leafKeys: Readonly<Record<string, Resource | undefined>>;
}

export function resourcesOf(name: string, resources: readonly Resource[]): HostResources {
  const named = (own: string) =>
    resources.find((resource) => resource.name === own && !isComponent(resource));
  const part = (own: NodePart) => named(partOf(name, own));
  const ofLeafs = (kind: string) =>
    Object.fromEntries(LEAF_ROLES.map((role) => [role, leafPart(name, role, kind, resources)]));
  return {
    host: part("host"),
    binaries: part("binaries"),
    certificates: part("certificates"),
    restore: part("restore"),
    halt: part("halt"),
    member: part("member"),
    upkeep: part("upkeep"),
    instance: part("instance"),
    leafCertificates: ofLeafs("cert"),
    leafKeys: ofLeafs("key"),
  };
}

/** Of the issue that is asked for: with a raised one the resources before it are deleted. */
export function leafPart(...args: Parameters<typeof leafParts>): Resource | undefined {
  const all = leafParts(...args);
  return all.find(({ op }) => op !== "delete") ?? all[0];
}

function leafParts(
  node: string,
  role: LeafRole,
  kind: string,
  resources: readonly Resource[],
): readonly Resource[] {
  return resources.filter(({ name }) => name.endsWith(`-${kind}`) && issueOf(name, node, role) !== undefined);
}

/** What its certificate was made from before: of the former issue, where another one is asked for. Nothing of a new host. */
export function formerLeafPart(...args: Parameters<typeof leafParts>): Resource | undefined {
  const all = leafParts(...args);
  return all.find(({ op }) => op === "delete") ?? all.find(({ op }) => op !== "create");
}

/** A component may have the name of another node's step. */
export function isComponent({ type }: Resource): boolean {
  return isComponentType(type);
}
