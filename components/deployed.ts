import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { DeployedAuthority } from "../cluster/deployed.ts";
import { issuedAfter } from "../cluster/issued.ts";
import { recordKept } from "../cluster/proof.ts";
import { HEALTH } from "../cluster/resource-names.ts";
import { isPending, tokenAfter } from "../cluster/restore.ts";
import { type Deployed, deployedAfter, parseDeployed, type Topology } from "../cluster/topology.ts";
import type { ClusterConfig } from "../config/model.ts";
import { list, record, text } from "../lib/json.ts";
import { pulumiJson } from "../lib/pulumi.ts";
import { DAY_MS } from "../lib/time.ts";
import type { IssuedLeaf } from "./certificate.ts";
import type { Host } from "./host.ts";
import type { Authorities, Trust } from "./trust.ts";

/** `organization/project/stack` */
export function stackId(): string {
  return `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
}

/** What the last run that ended healthy recorded; nothing before the first one. */
export async function lastProven(): Promise<Deployed | undefined> {
  const outputs = new pulumi.StackReference(stackId());
  const { value, secretValue } = await outputs.getOutputDetails("deployed");
  try {
    // A proven stack taken for a new one would bootstrap its cluster again: read the record even if it is secret.
    return parseDeployed(value ?? secretValue ?? (await keptInState()));
  } catch (error) {
    // A RunError is shown as its message alone, without a stack trace.
    throw error instanceof Error ? new pulumi.RunError(error.message) : error;
  }
}

/**
 * The outputs go with the stack's own resource, which `--replace '**'` replaces too; the step that proved the record
 * stays. Asked only of a stack without outputs: a new one, or such a one.
 */
async function keptInState(): Promise<unknown> {
  if (pulumi.runtime.getEngine() === undefined) return undefined; // of mocks there is no state
  const { deployment } = record(await pulumiJson(stackId(), "stack", "export").catch(refuseUnasked));
  const health = list(record(deployment).resources)
    .map(record)
    .find(({ urn, ...state }) => text(urn).endsWith(HEALTH_URN) && state.delete !== true);
  if (health === undefined) return undefined;
  const kept = recordKept(text(record(health.inputs).stdin), text(record(health.outputs).stdout));
  if (kept === undefined)
    throw new Error(
      'The stack\'s output "deployed" is gone, and its health step does not have the record either; nothing is changed: import a backup of the state (pulumi stack import), then run again.',
    );
  pulumi.log.warn('the stack\'s output "deployed" is gone: read again from the health step that proved it.');
  return kept;
}

function refuseUnasked(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new Error(
    `The stack has no output "deployed", and "pulumi stack export", which says whether it is a new one, failed (${why}); nothing is changed: put pulumi on the PATH, then run again.`,
  );
}

const HEALTH_URN = `$command:remote:Command::${HEALTH}`;

/**
 * The cluster token: the configured name and some digits of the first peer CA's digest, so that the same hosts, after
 * `destroy` and `up`, are another cluster. Fixed from then on, but for a restore, which makes another cluster of it.
 */
export function clusterToken(
  config: Pick<ClusterConfig, "clusterName" | "restore">,
  previous: Deployed | undefined,
  authorities: Authorities,
): pulumi.Output<string> {
  const token = foundingToken(config.clusterName, previous, authorities);
  const { restore } = config;
  return restore === undefined || !isPending(config, previous)
    ? token
    : token.apply((before) => tokenAfter(before, restore));
}

function foundingToken(
  clusterName: string,
  previous: Deployed | undefined,
  { peer }: Authorities,
): pulumi.Output<string> {
  if (previous !== undefined) return pulumi.output(previous.token);
  return pulumi.output(peer.issuing.certPem).apply((pem) => {
    const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
    return `${clusterName}-${createHash("sha256").update(der).digest("hex").slice(0, 8)}`;
  });
}

/** The cluster that the last restore, or this one, makes another one of: its hosts may carry either mark. */
export function formerToken(
  config: Pick<ClusterConfig, "restore">,
  previous: Deployed | undefined,
): { former?: string } {
  const former = isPending(config, previous) ? previous?.token : previous?.restore?.from;
  return former === undefined ? {} : { former };
}

/** RFC 3339, which no host's clock may be before. Fixed as the cluster was bootstrapped: a renewed CA begins later. */
export function earliestClock(previous: Deployed | undefined, { peer }: Authorities): pulumi.Output<string> {
  return pulumi.output(previous?.notBefore ?? startOf(previous?.peerCa) ?? peer.issuing.notBefore);
}

/** Of the CA that the last proof knew: older records had its end and its days only. */
function startOf(authority: DeployedAuthority | undefined): string | undefined {
  const { expires, validityDays } = authority?.terms[String(authority.list[0])] ?? {};
  const start = Date.parse(expires ?? "") - Number(validityDays) * DAY_MS;
  return Number.isNaN(start) ? undefined : new Date(start).toISOString();
}

export interface DeployedRecordArgs {
  readonly config: ClusterConfig;
  readonly topology: Topology;
  readonly token: pulumi.Output<string>;
  readonly previous: Deployed | undefined;
  readonly authorities: Authorities;
  readonly hosts: readonly Host[];
  /** What clients' certificates this run leaves, by name. */
  readonly issued: Readonly<Record<string, IssuedLeaf>>;
}

/** What the health step records once it is proven, for the next run to plan from. */
export function deployedRecord(args: DeployedRecordArgs): pulumi.Output<Deployed> {
  const { config, topology, previous, authorities } = args;
  const clientCa = authorityRecord(authorities.client, previous?.clientCa);
  const peerCa = authorityRecord(authorities.peer, previous?.peerCa);
  const notBefore = earliestClock(previous, authorities);
  const known = pulumi.all([args.token, instancesOf(args.hosts), pulumi.output(args.issued)]);
  return pulumi
    .all([known, clientCa, peerCa, notBefore])
    .apply(([[token, instances, issued], ...others]) => ({
      ...withInstances(deployedAfter(config, topology, token, previous), instances),
      clientCa: others[0],
      peerCa: others[1],
      notBefore: others[2],
      issued: issuedAfter(config, previous?.issued, issued),
    }));
}

/** Ids of the machines that the program creates, by node. */
function instancesOf(hosts: readonly Host[]): pulumi.Output<Record<string, string>> {
  const made = hosts.flatMap(({ name, machine }) =>
    machine === undefined ? [] : [[name, machine.id] as const],
  );
  return pulumi.all(Object.fromEntries(made));
}

function withInstances(deployed: Deployed, instances: Readonly<Record<string, string>>): Deployed {
  const nodes = Object.entries(deployed.nodes).map(([name, node]) => {
    const instance = instances[name];
    return [name, instance === undefined ? node : { ...node, instance }];
  });
  return { ...deployed, nodes: Object.fromEntries(nodes) };
}

/** The terms of dropped ones stay: their numbers are never given again. */
function authorityRecord(
  { list, trusted }: Trust,
  previous: DeployedAuthority | undefined,
): pulumi.Output<DeployedAuthority> {
  const terms = trusted.map(
    ({ number, terms: known, expires }) =>
      [String(number), pulumi.output(expires).apply((end) => ({ ...known, expires: end }))] as const,
  );
  return pulumi
    .all(Object.fromEntries(terms))
    .apply((now): DeployedAuthority => ({ list, terms: { ...previous?.terms, ...now } }));
}
