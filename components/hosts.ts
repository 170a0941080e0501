import * as pulumi from "@pulumi/pulumi";
import { type Machines, recordedMachines } from "../cluster/machines.ts";
import { subnetOf } from "../cluster/subnets.ts";
import type { Deployed, Topology } from "../cluster/topology.ts";
import type { ClusterConfig } from "../config/model.ts";
import { refusal } from "../config/refusal.ts";
import { stackId } from "./deployed.ts";
import type { Guards } from "./guards.ts";
import type { Host } from "./host.ts";
import { memberDigest } from "./member.ts";
import type { HostSpec } from "./preparation.ts";
import { SshHost } from "./ssh-host.ts";

export interface HostsArgs {
  readonly config: ClusterConfig & { readonly sshPrivateKey?: pulumi.Output<string> };
  readonly topology: Topology;
  readonly token: pulumi.Input<string>;
  /** The token before the last restore. */
  readonly former?: string;
  /** RFC 3339; no host's clock may be before it. */
  readonly notBefore: pulumi.Input<string>;
  /** What machines that are replaced wait for; resolved after the hosts are made. */
  readonly guards: Promise<Guards>;
}

/**
 * The machines that run, by node; nothing on given machines. Refuses what AWS would refuse later, or
 * create other than declared. Nothing is registered before.
 */
export async function lookupTarget(
  { aws, nodes, clusterName }: ClusterConfig,
  previous: Deployed | undefined,
): Promise<Machines> {
  if (aws === undefined) return new Map();
  const { checkAws, lookupMachines } = await import("./ec2/lookup.ts").catch(withoutSdk);
  const zones = [...new Set(nodes.map((node) => subnetOf(node.address, aws.subnets).zone))];
  const [problems, machines] = await Promise.all([
    checkAws(aws, zones),
    lookupMachines({ stack: stackId(), cluster: clusterName, recorded: recordedMachines(previous) }),
  ]);
  if (problems.length > 0) throw refusal(problems);
  return machines;
}

/** One for each node, in declared order, on machines of the target. */
export async function makeHosts(args: HostsArgs): Promise<readonly Host[]> {
  const specs = specifyHosts(args);
  const { aws, protect } = args.config;
  if (aws === undefined) return specs.map((spec) => new SshHost(spec.node.name, spec));
  // Loaded only where it is needed: the SDK of AWS is large.
  const { makeEc2Hosts } = await import("./ec2/ec2-hosts.ts");
  return makeEc2Hosts(specs, { ...args.config, aws, protect }, args.topology.members, args.guards);
}

/** The SDK of AWS is an optional package. */
function withoutSdk(error: unknown): never {
  if (!/Cannot find package '@pulumi\/aws'/.test(String(error))) throw error;
  throw refusal([
    "target aws needs the package @pulumi/aws, and it is not installed: run npm ci without --omit=optional, then try again.",
  ]);
}

function specifyHosts({ config, topology, token, former, notBefore }: HostsArgs): readonly HostSpec[] {
  const privateKey = config.sshPrivateKey ?? config.ssh.privateKey;
  const { dataDir, settings, backup } = config;
  const etcd = { version: config.release.version, dataDir, settings, topology };
  return config.nodes.map((node) => ({
    node,
    ssh: config.ssh,
    ...(privateKey === undefined ? {} : { privateKey }),
    token,
    ...(former === undefined ? {} : { former }),
    dataDir,
    quotaBackendBytes: settings.quotaBackendBytes,
    metricsUrl: settings.metricsUrl,
    allow: config.allow,
    service: settings.service,
    checkId: config.checkId,
    ...memberDigest(node.name, etcd),
    notBefore,
    ...(backup.directory === undefined ? {} : { snapshots: backup.directory }),
  }));
}

/** The output `sshHosts`: how ssh reaches the machines that the program creates, by name. None if they are given. */
export function sshOutputs(hosts: readonly Host[]): SshOutputs {
  const made = hosts.flatMap(({ name, machine }) =>
    machine === undefined ? [] : [[name, machine.ssh] as const],
  );
  return made.length === 0 ? {} : { sshHosts: pulumi.output(Object.fromEntries(made)) };
}

interface SshOutputs {
  readonly sshHosts?: pulumi.Output<Record<string, SshHostOutput>>;
}

interface SshHostOutput {
  readonly address: string;
  /** `type base64` */
  readonly hostKey: string;
}
