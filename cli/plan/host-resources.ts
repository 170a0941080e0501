import type { Resource } from "./preview.ts";

export const LEAF_ROLES = ["server", "peer", "operator"] as const;

/** The resources of one host, by what they are. */
export interface HostResources {
  readonly host: Resource | undefined;
  readonly binaries: Resource | undefined;
  readonly certificates: Resource | undefined;
  readonly member: Resource | undefined;
  /** What the program makes of the machine, on EC2. */
  readonly instance: Resource | undefined;
  /** By role. */
  readonly leafCertificates: Readonly<Record<string, Resource | undefined>>;
}

export function resourcesOf(name: string, resources: readonly Resource[]): HostResources {
  const named = (own: string) =>
    resources.find((resource) => resource.name === `${name}-${own}` && !isComponent(resource));
  return {
    host: named("host"),
    binaries: named("binaries"),
    certificates: named("certificates"),
    member: named("member"),
    instance: named("instance"),
    leafCertificates: Object.fromEntries(LEAF_ROLES.map((role) => [role, named(`${role}-cert`)])),
  };
}

/** A component may have the name of another node's step. */
export function isComponent({ type }: Resource): boolean {
  return type.startsWith("etcd:");
}
