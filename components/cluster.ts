import * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig } from "../config.ts";
import { hostCommand, type Options } from "../host/commands.ts";
import { upgradesFrom } from "../releases.ts";
import type { Topology } from "../topology.ts";
import { Certificate } from "./certificate.ts";
import type { Host } from "./host.ts";
import { type Authorities, Installation } from "./installation.ts";
import { LostPart } from "./lost-node.ts";
import { Member, type MemberSpec, memberSpec } from "./member.ts";
import { digestOf, remoteStep, type Step } from "./step.ts";

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
 * rollout's order; then the members that should not be there.
 */
export class EtcdCluster extends pulumi.ComponentResource {
  readonly endpoints: readonly string[];
  /** The administrator's CA bundle, certificate and key. Secret. */
  readonly clientBundle: pulumi.Output<{ caCert: string; cert: string; key: string }>;
  /** RFC 3339 end of each certificate, by its name. */
  readonly certificatesExpire: pulumi.Output<Record<string, string>>;
  /** Runs the steps that concern the whole cluster. */
  readonly adminHost: Host;
  /** The step that all others come before. */
  readonly last: Step;
  /** What the cluster steps read: a digest that changes when anything on any host does, and the declared members. */
  readonly declared: pulumi.Output<string>;

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:cluster:Cluster", name, {}, opts);
    const { config, topology, hosts } = args;
    this.endpoints = topology.endpoints;
    this.adminHost = hostNamed(hosts, topology.adminHost);

    const client = this.issueClient(args);
    const installations = this.install(args);
    const prepared = [
      ...topology.members.map((member) => hostNamed(hosts, member.name).prepared),
      ...installations.flatMap(stepsOf),
    ];
    const specs = this.specify(args, installations);
    this.declared = declaredMembers(topology, [...prepared, ...specs]);

    const before = this.clusterStep("before", config, prepared, {
      first: config.rolloutOrder.join(","),
      "upgrades-from": upgradesFrom(config.release.version),
    });
    const members = this.startInOrder(args, specs, [...prepared, before]);
    this.last = this.clusterStep("membership", config, members);
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

  private startInOrder(
    { config, topology, hosts }: ClusterArgs,
    specs: readonly MemberSpec[],
    first: readonly Step[],
  ): readonly Step[] {
    const steps: Step[] = [];
    for (const name of topology.rollout) {
      const spec = at(
        specs,
        topology.members.findIndex((member) => member.name === name),
      );
      const after = [...first, ...steps.slice(-1)];
      const member = new Member(
        name,
        { host: hostNamed(hosts, name), spec, checkId: config.checkId, after },
        { parent: this },
      );
      steps.push(member.step);
    }
    return steps;
  }

  /** A step around the members, on the admin host. While a cluster is founded, there is nothing for it to look at. */
  private clusterStep(
    name: "before" | "membership",
    config: ClusterConfig,
    after: readonly Step[],
    more: Options = {},
  ): Step {
    const options = { ...clusterOptions(config), ...more };
    return remoteStep(
      name,
      this.adminHost,
      {
        create: hostCommand(this.adminHost.caller, name, { ...options, founding: true }),
        update: hostCommand(this.adminHost.caller, name, options),
        stdin: this.declared,
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
      new LostPart("etcd:cluster:Installation", name, { host, steps: installed }, inside);
      new LostPart("etcd:cluster:Member", name, { host, steps: [`${name}-member`] }, inside);
    }
  }
}

/** Options of the steps that ask the whole cluster. */
export function clusterOptions({ allow, release, settings, checkId }: ClusterConfig): Options {
  return {
    version: release.version,
    "election-timeout": settings.electionTimeout,
    allow: allow.join(" "),
    "check-id": checkId,
  };
}

function declaredMembers(
  topology: Topology,
  carried: readonly { readonly digest: pulumi.Output<string> }[],
): pulumi.Output<string> {
  const members = topology.members
    .map((m) => `member ${m.name} ${m.peerUrl} ${m.clientUrl} ${m.incarnation}\n`)
    .join("");
  return pulumi
    .all(carried.map(({ digest }) => digest))
    .apply((digests) => `digest ${digestOf(digests)}\n${members}`);
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
