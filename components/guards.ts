import type { Step } from "./step.ts";

/** Steps that machines wait for, by the names of their nodes. A machine without one is created, or replaced, at once. */
export type Guards = ReadonlyMap<string, Step>;

/**
 * Hosts, and a cluster on them. A machine is replaced once the step that guards it is done, and that step is the
 * cluster's, which is made after the hosts. Both are made here, so that no machine is left waiting: `makeHosts` hands
 * the promise on to its machines and does not wait for it itself.
 */
export async function makeGuarded<Hosts, Cluster extends { readonly guards: Guards }>(
  makeHosts: (guards: Promise<Guards>) => Hosts | Promise<Hosts>,
  makeCluster: (hosts: Hosts) => Cluster,
): Promise<{ readonly hosts: Hosts; readonly cluster: Cluster }> {
  const made = Promise.withResolvers<Guards>();
  const hosts = await makeHosts(made.promise);
  const cluster = makeCluster(hosts);
  made.resolve(cluster.guards);
  return { hosts, cluster };
}
