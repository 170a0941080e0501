import * as pulumi from "@pulumi/pulumi";
import { partOf } from "../cluster/resource-names.ts";
import type { Restore } from "../cluster/restore.ts";
import type { Topology, TopologyMember } from "../cluster/topology.ts";
import { allowedFor } from "../config/allow.ts";
import type { Release } from "../config/model.ts";
import { hostCommand, identityOptions, type Options } from "../host/commands.ts";
import type { RestoreCall } from "./cluster-steps.ts";
import { type Host, hostNamed } from "./host.ts";
import { hostStep, INERT, ownerOf, remoteStep, type Step } from "./step.ts";
import { storeAccess, type UpkeepSettings } from "./upkeep.ts";

export interface RestoringArgs {
  readonly topology: Pick<Topology, "members" | "restore">;
  /** One per node. */
  readonly hosts: readonly Host[];
  readonly token: pulumi.Input<string>;
  readonly release: Pick<Release, "version">;
  readonly dataDir: string;
  /** What decrypts the snapshot. @default it is not encrypted */
  readonly identity?: pulumi.Input<string> | undefined;
  /** Of these, the store: a new machine knows of none. */
  readonly upkeep?: UpkeepSettings | undefined;
  /** Words of which hosts are sent that one about a healthy cluster. */
  readonly allow: readonly string[];
  readonly checkId: number;
}

/** The steps that a restore adds, around the one that judges it; none where the configuration names no snapshot. */
export class Restoring {
  /** What the steps around the members are told. */
  readonly call: RestoreCall | undefined;
  readonly #nameOf: (child: string) => string;
  readonly #args: RestoringArgs;
  readonly #parent: pulumi.ComponentResource;
  #staged: readonly Step[] = [];

  constructor(nameOf: (child: string) => string, args: RestoringArgs, parent: pulumi.ComponentResource) {
    this.#nameOf = nameOf;
    this.#args = args;
    this.#parent = parent;
    this.call = args.topology.restore === undefined ? undefined : { token: args.token };
  }

  /** Every host lays out what its member starts from, beside its data. Nothing stops, and no running member is touched. */
  stage(after: readonly Step[]): readonly Step[] {
    const { release, dataDir, identity, upkeep = {} } = this.#args;
    const store = storeAccess(upkeep);
    const key = identity === undefined ? "" : pulumi.interpolate`== identity\n${identity}\n`;
    const sent = pulumi.secret(pulumi.interpolate`${key}${store.sections}`);
    this.#staged = this.#onEach(
      "restore",
      "stage",
      after,
      (member, { snapshot, sha256, bumpRevision, formerEndpoints }) => ({
        options: {
          ...store.options,
          endpoints: formerEndpoints.join(),
          version: release.version,
          "data-dir": dataDir,
          snapshot,
          sha256,
          "bump-revision": bumpRevision,
          "peer-url": member.peerUrl,
          "initial-cluster": member.initialCluster,
        },
        ...(key === "" && store.sections === "" ? {} : { stdin: sent }),
      }),
    );
    return this.#staged;
  }

  /** What the hosts have staged, a line each. */
  get staged(): pulumi.Output<string> {
    const { members } = this.#args.topology;
    const lines = this.#staged.map(({ command }, index) =>
      pulumi.unsecret(command.stdout).apply((stdout) => stagedLine(members[index]?.name ?? "", stdout)),
    );
    return pulumi.all(lines).apply((all) => all.join(""));
  }

  /** All members stop, and their data is set aside: from the first of these on nobody serves. */
  halt(before: Step): readonly Step[] {
    const { release, dataDir, allow } = this.#args;
    return this.#onEach("halt", "halt", [before], (_member, { formerEndpoints }) => ({
      options: {
        version: release.version,
        "data-dir": dataDir,
        endpoints: formerEndpoints.join(),
        allow: allowedFor("restore", allow),
      },
    }));
  }

  #onEach(
    part: "restore" | "halt",
    subcommand: "stage" | "halt",
    after: readonly Step[],
    callOf: (member: TopologyMember, restore: Restore) => Call,
  ): readonly Step[] {
    const { restore, members } = this.#args.topology;
    if (restore === undefined) return [];
    return members.map((member) =>
      this.#step(this.#nameOf(partOf(member.name, part)), subcommand, after, member, restore, callOf),
    );
  }

  #step(
    name: string,
    subcommand: "stage" | "halt",
    after: readonly Step[],
    member: TopologyMember,
    restore: Restore,
    callOf: (member: TopologyMember, restore: Restore) => Call,
  ): Step {
    const { hosts, token, checkId } = this.#args;
    const host = hostNamed(hosts, member.name);
    const parent = this.#parent;
    const dependsOn = after.map(({ command }) => command);
    // once it is done it stays in the state as it is: it must never be done again by itself
    if (!restore.isPending) return remoteStep(name, host, { create: ":" }, { parent, dependsOn, ...INERT });
    const { options, ...stdin } = callOf(member, restore);
    const create = pulumi.all([ownerOf(parent), token]).apply(([owner, initialToken]) =>
      hostCommand(host.caller, subcommand, {
        ...identityOptions(host, owner, checkId),
        ...options,
        "initial-token": initialToken,
      }),
    );
    return hostStep(name, host, { create, ...stdin }, { parent, dependsOn, retainOnDelete: true });
  }
}

interface Call {
  readonly options: Options;
  readonly stdin?: pulumi.Input<string>;
}

/** A login may print what it likes on other lines. */
function stagedLine(node: string, stdout: string): string {
  const said = stdout.split(/\r?\n/).findLast((line) => line.startsWith(STAGED));
  return said === undefined ? "" : `${STAGED}${node} ${said.slice(STAGED.length)}\n`;
}

const STAGED = "staged ";
