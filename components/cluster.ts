import * as pulumi from "@pulumi/pulumi";
import { digestOf } from "../cluster/digest.ts";
import type { Topology } from "../cluster/topology.ts";
import type { ClusterConfig } from "../config/model.ts";
import { upgradesFrom } from "../etcd/releases.ts";
import { hostCommand, type Options } from "../host/commands.ts";
import { Certificate } from "./certificate.ts";
import type { Host } from "./host.ts";
import { InertSteps } from "./inert-steps.ts";
import { type Authorities, Installation } from "./installation.ts";
import { Member, type MemberSpec, memberSpec } from "./member.ts";
import { remoteStep, type Step } from "./step.ts";

export interface ClusterArgs {
  readonly config: ClusterConfig;
  readonly topology: Topology;
  /** One per node, those of lost nodes too. */
  readonly hosts: readonly Host[];
  readonly authorities: Authorities;
  readonly token: pulumi.Output<string>;
}

/**
 * The cluster: every host is prepared before the first member starts; then the members, one at a time, in the
 * rollout's order, those whose machine is replaced with it; then the members that should not be there. Founders start
 * together.
 */
export class EtcdCluster extends pulumi.ComponentResource {
  readonly endpoints: readonly string[];
  /** The administrator's CA bundle, certificate and key. Secret. */
  readonly clientBundle: pulumi.Output<{ caCert: string; cert: string; key: string }>;
  /** RFC 3339 end of each certificate, by its name. */
  readonly certificatesExpire: pulumi.Output<Record<string, string>>;
  /** Runs the steps that concern the whole cluster. */
  readonly adminHost: Host;
  /** What comes before the proof. */
  readonly last: readonly Step[];
  /** What the cluster steps read: a digest that changes when anything on any host does, and the declared members. */
  readonly declared: pulumi.Output<string>;

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:cluster:Cluster", name, {}, opts);
    const { config, topology, hosts } = args;
    this.endpoints = topology.endpoints;
    this.adminHost = hostNamed(hosts, topology.adminHost);

    const client = this.issueClient(args);
    const installations = this.install(args);
    const prepared = new Map(
      topology.members.map(({ name }, index) => [
        name,
        [hostNamed(hosts, name).prepared, ...stepsOf(at(installations, index))],
      ]),
    );
    const specs = this.specify(args, installations);
    const carried = [...[...prepared.values()].flat(), ...specs].map(({ digest }) => digest);
    const machines = hosts.flatMap(({ machine }) => (machine === undefined ? [] : [machine.id]));
    this.declared = declaredMembers(topology, [...carried, ...machines]);

    // Who gets another machine is prepared at its turn only; everybody else now.
    const now = topology.members.filter(({ name }) => !topology.rebuilt.includes(name));
    const first = now.flatMap(({ name }) => prepared.get(name) ?? []);
    const repaired = this.startInOrder(args, topology.repairs, { specs, prepared, first });
    const judged = [...first, ...repaired];
    // Of a cluster that nobody has proven there is little to judge: its look is over before the hosts are prepared.
    const ahead = topology.proven ? judged : [this.adminHost.prepared];
    const before = this.clusterStep("before", config, ahead, declaredMembers(topology, carried), {
      first: config.rolloutOrder.join(","),
      "upgrades-from": upgradesFrom(config.release.version),
    });
    const others = topology.rollout.slice(topology.repairs.length);
    const members = this.startInOrder(args, others, { specs, prepared, first: [...judged, before] });
    const membership = this.clusterStep("membership", config, [...repaired, ...members], this.declared);
    this.last = topology.proven ? [membership] : members;
    this.guardOthers(args, membership);
    this.leaveAlone(args);

    this.clientBundle = clientBundle(args.authorities, client);
    this.certificatesExpire = certificatesExpire(args.authorities, client, installations);
    this.registerOutputs();
  }

  private issueClient({ authorities, config }: ClusterArgs): Certificate {
    return new Certificate(
      "client",
      {
        authority: authorities.client,
        commonName: "etcd-client",
        usage: "client",
        settings: config.certificates,
      },
      { parent: this },
    );
  }

  private install({ config, topology, hosts, authorities }: ClusterArgs): readonly Installation[] {
    return topology.members.map(
      (member) =>
        new Installation(
          member.name,
          {
            host: hostNamed(hosts, member.name),
            member,
            release: config.release,
            authorities,
            certificates: config.certificates,
            checkId: config.checkId,
          },
          { parent: this },
        ),
    );
  }

  private specify(
    { config, topology, token }: ClusterArgs,
    installations: readonly Installation[],
  ): readonly MemberSpec[] {
    return topology.members.map((plan, index) =>
      memberSpec({ plan, config, token, bundlesDigest: at(installations, index).bundlesDigest }),
    );
  }

  /** One after the other; all at once until they have been proven: no quorum is there yet that could be lost. */
  private startInOrder(
    args: ClusterArgs,
    names: readonly string[],
    { specs, prepared, first }: Start,
  ): readonly Step[] {
    const { config, topology, hosts } = args;
    const steps: Step[] = [];
    for (const name of names) {
      const host = hostNamed(hosts, name);
      const spec = at(
        specs,
        topology.members.findIndex((member) => member.name === name),
      );
      const after = topology.proven ? [...first, ...steps.slice(-1)] : first;
      const isRebuilt = topology.rebuilt.includes(name);
      host.machine?.releaseAfter(isRebuilt ? this.guard(args, name, after) : []);
      const member = new Member(
        name,
        {
          host,
          spec,
          checkId: config.checkId,
          after: [...after, ...(isRebuilt ? (prepared.get(name) ?? []) : [])],
        },
        { parent: this },
      );
      steps.push(member.step);
    }
    return steps;
  }

  /** The guards of machines that stay: there from the first `up`, so that a later one can update them. */
  private guardOthers(args: ClusterArgs, membership: Step): void {
    const { members, rebuilt } = args.topology;
    for (const { name } of members) if (!rebuilt.includes(name)) this.guard(args, name, [membership]);
  }

  /**
   * Proves, on another member, that the cluster can do without this one while its machine is replaced. It has something
   * to do only in an update: when what the machine is made from changes.
   */
  private guard({ topology, hosts, config }: ClusterArgs, name: string, after: readonly Step[]): Step[] {
    const { machine } = topology.members.find((member) => member.name === name) ?? {};
    const other = name === topology.adminHost ? topology.deputy : topology.adminHost;
    if (machine === undefined || other === undefined) return [];
    const host = hostNamed(hosts, other);
    const options = { name, "made-from": machine, ...askOptions(config), "check-id": config.checkId };
    const step = remoteStep(
      `${name}-guard`,
      host,
      {
        create: hostCommand(host.caller, "guard", { ...options, founding: true }),
        update: hostCommand(host.caller, "guard", options),
      },
      { parent: this, dependsOn: after.map(({ command }) => command) },
    );
    return [step];
  }

  /** A step around the members, on the admin host. While a cluster is founded, there is nothing for it to look at. */
  private clusterStep(
    name: "before" | "membership",
    config: ClusterConfig,
    after: readonly Step[],
    stdin: pulumi.Output<string>,
    more: Options = {},
  ): Step {
    const options = { ...clusterOptions(config), ...more };
    return remoteStep(
      name,
      this.adminHost,
      {
        create: hostCommand(this.adminHost.caller, name, { ...options, founding: true }),
        update: hostCommand(this.adminHost.caller, name, options),
        stdin,
      },
      { parent: this, dependsOn: after.map((step) => step.command) },
    );
  }

  /** Lost nodes stay in the state until they are no longer listed; their members go by the cluster's steps. */
  private leaveAlone({ topology, hosts }: ClusterArgs): void {
    for (const name of topology.lost) {
      const host = hostNamed(hosts, name);
      const inside = { parent: this };
      const installed = [`${name}-binaries`, `${name}-certificates`];
      new InertSteps("etcd:cluster:Installation", name, { host, steps: installed }, inside);
      new InertSteps("etcd:cluster:Member", name, { host, steps: [`${name}-member`] }, inside);
    }
  }
}

/** What the chain of members is made from. */
interface Start {
  readonly specs: readonly MemberSpec[];
  /** The steps that prepare each host, by name. */
  readonly prepared: ReadonlyMap<string, readonly Step[]>;
  /** What comes before every member. */
  readonly first: readonly Step[];
}

/** Options of the steps that ask the whole cluster. */
export function clusterOptions(config: ClusterConfig): Options {
  return { version: config.release.version, ...askOptions(config), "check-id": config.checkId };
}

function askOptions({ allow, settings }: ClusterConfig): Options {
  return { "election-timeout": settings.electionTimeout, allow: allow.join(" ") };
}

function declaredMembers(
  topology: Topology,
  carried: readonly pulumi.Output<string>[],
): pulumi.Output<string> {
  const members = topology.members
    .map((m) => `member ${m.name} ${m.peerUrl} ${m.clientUrl} ${m.incarnation}\n`)
    .join("");
  return pulumi.all([...carried]).apply((digests) => `digest ${digestOf(digests)}\n${members}`);
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index} of ${items.length}`);
  return item;
}

function hostNamed(hosts: readonly Host[], name: string): Host {
  const host = hosts.find((candidate) => candidate.name === name);
  if (host === undefined) throw new Error(`no host is named ${name}`);
  return host;
}

function stepsOf(installation: Installation): readonly Step[] {
  return [installation.binaries, installation.certificates];
}

function clientBundle(authorities: Authorities, client: Certificate): EtcdCluster["clientBundle"] {
  return pulumi.secret(
    pulumi.output({
      caCert: authorities.client.certPem,
      cert: client.certPem,
      key: client.privateKeyPem,
    }),
  );
}

function certificatesExpire(
  authorities: Authorities,
  client: Certificate,
  installations: readonly Installation[],
): pulumi.Output<Record<string, string>> {
  const ends: Record<string, pulumi.Output<string>> = {
    "client-ca": authorities.client.expires,
    "peer-ca": authorities.peer.expires,
    client: client.expires,
  };
  for (const installation of installations) Object.assign(ends, installation.expires);
  return pulumi.all(ends);
}
