import * as pulumi from "@pulumi/pulumi";
import { accessLines, commonNameOf } from "../cluster/access.ts";
import { crlOf } from "../cluster/crl.ts";
import type { Access } from "../cluster/deployed.ts";
import { digestOf } from "../cluster/digest.ts";
import {
  BEFORE,
  childOf,
  INSTALLATION_TYPE,
  MEMBER_TYPE,
  MEMBERSHIP,
  type NodePart,
  partOf,
  UPKEEP_TYPE,
} from "../cluster/resource-names.ts";
import type { Topology, TopologyMember } from "../cluster/topology.ts";
import type { ClientConfig, EtcdSettings, Release } from "../config/model.ts";
import { upgradesFrom } from "../etcd/releases.ts";
import type { IssuedLeaf, LeafSettings } from "./certificate.ts";
import { type Bundle, ClientCertificates } from "./clients.ts";
import { type Criteria, declaredMembers, guardStep, stepAround } from "./cluster-steps.ts";
import type { Guards } from "./guards.ts";
import { type Host, hostNamed } from "./host.ts";
import { InertSteps } from "./inert-steps.ts";
import { Installation } from "./installation.ts";
import { Member, memberSpec } from "./member.ts";
import { Restoring } from "./restore.ts";
import { certificatesExpire, type Seat, seatOf, toldLines } from "./seat.ts";
import type { Step } from "./step.ts";
import { type Authorities, givenOutput } from "./trust.ts";
import { hasUpkeep, Upkeep, type UpkeepSettings } from "./upkeep.ts";

export interface ClusterArgs {
  /** Who the members are, and in which order they are touched. */
  readonly topology: Topology;
  /** One per node, those of lost nodes too. */
  readonly hosts: readonly Host[];
  readonly authorities: Authorities;
  readonly token: pulumi.Input<string>;
  readonly release: Release;
  readonly dataDir: string;
  readonly settings: EtcdSettings;
  readonly certificates: LeafSettings;
  /** Who has a certificate, beside the administrator. */
  readonly clients: readonly ClientConfig[];
  /** Names of those that may be unfit when they are touched, because they come first. */
  readonly rolloutOrder: readonly string[];
  /** etcd's authentication; nothing where it is not managed. */
  readonly access?: Access | undefined;
  /** What hosts do by themselves. @default nothing */
  readonly upkeep?: UpkeepSettings;
  /** Named overrides of refusals. */
  readonly allow: readonly string[];
  readonly checkId: number;
  /** What decrypts snapshots. */
  readonly identity?: pulumi.Input<string> | undefined;
}

/**
 * The cluster: every host is prepared before the first member starts; then the members change, one at a time, in the
 * rollout's order, each with its machine if that is replaced; then undeclared members are removed. Founders start
 * together.
 */
export class EtcdCluster extends pulumi.ComponentResource {
  readonly endpoints: readonly string[];
  /** The administrator's CA bundle, certificate and key. Secret. */
  readonly clientBundle: pulumi.Output<Bundle>;
  /** The bundle of each named client. Secret; nothing where there is none. */
  readonly clients?: pulumi.Output<Record<string, Bundle>>;
  /** What the record of issued certificates has of this run, by name. */
  readonly issued: Readonly<Record<string, IssuedLeaf>>;
  /** RFC 3339 end of each certificate, by its name. */
  readonly certificatesExpire: pulumi.Output<Record<string, string>>;
  /** Runs the steps that concern the whole cluster. */
  readonly adminHost: Host;
  /** What those steps check. */
  readonly criteria: Criteria;
  /** What comes before the proof. */
  readonly last: readonly Step[];
  /** What the cluster steps read: a digest that changes when anything on any host does, and the declared members. */
  readonly declared: pulumi.Output<string>;
  /** What each member is told to run, a line each. */
  readonly told: pulumi.Output<string>;
  /** Changes whenever the members were checked: what was begun earlier may have failed, so the proof follows. */
  readonly checked: pulumi.Output<string>;
  /** The steps of the hosts' timers; none where there are no timers. */
  readonly upkeep: readonly Step[];
  /** What machines wait for before they are replaced. */
  readonly guards: Guards;
  readonly #name: string;
  readonly #args: ClusterArgs;

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:cluster:Cluster", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const { topology, hosts, release, settings, allow, checkId } = args;
    this.endpoints = topology.endpoints;
    this.adminHost = hostNamed(hosts, topology.adminHost);
    this.criteria = { version: release.version, electionTimeout: settings.electionTimeout, allow, checkId };

    const authority = args.authorities.client;
    const clients = new ClientCertificates((child) => this.#child(child), { ...args, authority }, this);
    const seats = topology.members.map((member) => this.#install(member));
    const steps = seats.flatMap(({ prepared }) => prepared);
    const carried = [...steps, ...seats.map(({ spec }) => spec)].map(({ digest }) => digest);
    const machines = hosts.flatMap(({ machine }) => (machine === undefined ? [] : [machine.id]));
    this.declared = declaredMembers(topology.members, [...carried, ...machines]);

    const turns = topology.rollout.map((node) => seatOf(seats, node));
    const isRepair = ({ member }: Seat) => topology.repairs.includes(member.name);
    // A host that gets another machine is prepared only at its turn; all others now.
    const now = seats.filter(({ isRebuilt }) => !isRebuilt).flatMap(({ prepared }) => prepared);
    const repaired = this.#startInOrder(turns.filter(isRepair), now);
    const restoring = new Restoring((child) => this.#child(child), args, this);
    const checked = [...now, ...repaired.steps, ...restoring.stage(now)];
    const around = { host: this.adminHost, criteria: this.criteria };
    const before = stepAround(
      this.#child(BEFORE),
      BEFORE,
      {
        ...around,
        // A cluster that was never proven offers little to check: that is over before the hosts are prepared.
        after: topology.proven || topology.restore !== undefined ? checked : [this.adminHost.prepared],
        options: {
          first: args.rolloutOrder.join(","),
          "upgrades-from": upgradesFrom(release.version),
        },
        restores: restoring.call,
        stdin: pulumi.interpolate`${declaredMembers(topology.members, carried)}${restoring.staged}`,
      },
      this,
    );
    this.told = toldLines(seats);
    this.checked = pulumi.unsecret(before.command.stdout).apply((stdout) => digestOf([stdout]));
    const others = this.#startInOrder(
      turns.filter((seat) => !isRepair(seat)),
      [...checked, before, ...restoring.halt(before)],
    );
    const membership = stepAround(
      this.#child(MEMBERSHIP),
      MEMBERSHIP,
      {
        ...around,
        after: [...repaired.steps, ...others.steps],
        restores: restoring.call,
        stdin: this.#declaredAccess(),
      },
      this,
    );
    // of a bootstrap it has nothing to do but to make the users
    const isChecked = topology.proven || args.access !== undefined || topology.restore !== undefined;
    const running = isChecked ? [membership] : others.steps;
    this.upkeep = this.#setUpTimers(seats, running);
    this.last = [...running, ...this.upkeep];
    this.guards = new Map([...repaired.guards, ...others.guards]);
    this.#guardOthers(seats, membership);
    this.#leaveAlone();

    this.clientBundle = clients.administrator();
    const bundles = clients.named();
    if (bundles !== undefined) this.clients = bundles;
    this.issued = Object.assign({}, clients.issued, ...seats.map(({ installation }) => installation.issued));
    this.certificatesExpire = certificatesExpire(args.authorities, clients, seats);
    // `allow` is what the next plan compares with: not all of its words are sent to hosts
    // `givenCas` is what verify compares with: no resource has them
    this.registerOutputs({
      endpoints: this.endpoints,
      certificatesExpire: this.certificatesExpire,
      allow: args.allow,
      ...givenOutput(args.authorities),
    });
  }

  #child(name: string): string {
    return childOf(this.#name, "etcd", name);
  }

  /** For the step behind the members, which all have their new certificates by then. */
  #declaredAccess(): pulumi.Output<string> {
    const { access } = this.#args;
    return access === undefined ? this.declared : pulumi.interpolate`${this.declared}${accessLines(access)}`;
  }

  #install(member: TopologyMember): Seat {
    const { topology, hosts, authorities, token, release, dataDir, settings, certificates, allow, checkId } =
      this.#args;
    const host = hostNamed(hosts, member.name);
    const serials = topology.revoked?.flatMap((one) => one.serials);
    const refuses = serials === undefined ? {} : { crl: crlOf(serials) };
    const operatorName = commonNameOf(`${member.name}-operator`, this.#args.access);
    const installation = new Installation(
      this.#child(member.name),
      { host, member, release, authorities, certificates, operatorName, ...refuses, checkId },
      { parent: this },
    );
    const { bundlesDigest } = installation;
    return {
      member,
      host,
      installation,
      spec: memberSpec({
        member,
        version: release.version,
        dataDir,
        settings,
        topology,
        allow,
        token,
        bundlesDigest,
        checkId,
      }),
      prepared: [host.prepared, installation.binaries, installation.certificates],
      isRebuilt: topology.rebuilt.includes(member.name),
    };
  }

  /** One after the other; all at once until they have been proven: there is no quorum yet to lose. */
  #startInOrder(turns: readonly Seat[], first: readonly Step[]): Started {
    const { topology, checkId } = this.#args;
    const steps: Step[] = [];
    const guards = new Map<string, Step>();
    for (const seat of turns) {
      const { member, host, spec } = seat;
      const before = topology.proven ? [...first, ...steps.slice(-1)] : first;
      const guard = seat.isRebuilt ? this.#guard(seat, before) : undefined;
      if (guard !== undefined) guards.set(member.name, guard);
      const after = seat.isRebuilt ? [...before, ...seat.prepared] : before;
      const args = { host, spec, checkId, after };
      steps.push(new Member(this.#child(member.name), args, { parent: this }).step);
    }
    return { steps, guards };
  }

  /** The guards of machines that stay: there from the first `up`, so that a later one can update them. */
  #guardOthers(seats: readonly Seat[], membership: Step): void {
    for (const seat of seats) if (!seat.isRebuilt) this.#guard(seat, [membership]);
  }

  /** None for a given machine, nor where there is no other member to ask. */
  #guard({ member }: Seat, after: readonly Step[]): Step | undefined {
    const { topology, hosts } = this.#args;
    const other = member.name === topology.adminHost ? topology.deputy : topology.adminHost;
    if (member.machine === undefined || other === undefined) return undefined;
    return guardStep(
      this.#child(partOf(member.name, "guard")),
      {
        host: hostNamed(hosts, other),
        criteria: this.criteria,
        member: member.name,
        madeFrom: member.machine,
        after,
      },
      this,
    );
  }

  #setUpTimers(seats: readonly Seat[], after: readonly Step[]): readonly Step[] {
    const { upkeep: settings = {}, checkId } = this.#args;
    if (!hasUpkeep(settings)) return [];
    return seats.map(
      ({ member, host }) =>
        new Upkeep(this.#child(member.name), { host, settings, checkId, after }, { parent: this }).step,
    );
  }

  /** Lost nodes stay in the state until they are no longer listed; their members go by the cluster's steps. */
  #leaveAlone(): void {
    const { topology, hosts, upkeep = {} } = this.#args;
    for (const node of topology.lost) {
      const host = hostNamed(hosts, node);
      const name = this.#child(node);
      const leave = (type: string, parts: readonly NodePart[]) =>
        new InertSteps(type, name, { host, parts }, { parent: this });
      leave(INSTALLATION_TYPE, ["binaries", "certificates"]);
      leave(MEMBER_TYPE, ["member"]);
      if (hasUpkeep(upkeep)) leave(UPKEEP_TYPE, ["upkeep"]);
    }
  }
}

interface Started {
  readonly steps: readonly Step[];
  readonly guards: Guards;
}
