import type * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type { Caller } from "../host/commands.ts";
import type { Step } from "./step.ts";

/** A machine that a member runs on, whatever its kind: what all steps after the first need of it. */
export interface Host {
  /** Name of the node, as in `nodes`. */
  readonly name: string;
  readonly incarnation: number;
  readonly caller: Caller;
  readonly connection: pulumi.Input<command.types.input.remote.ConnectionArgs>;
  /** The machine behind it, if the program creates it. @default a given machine */
  readonly machine?: Machine;
  /** The first step: preflight passed, the user, the directories and `etcd-host` are there. */
  readonly prepared: Step;
}

/** A machine that may be replaced by another one under the same name and address. */
export interface Machine {
  /** Of the machine itself: another one after a replacement. */
  readonly id: pulumi.Output<string>;
  readonly resource: pulumi.Resource;
  /** How ssh reaches it, with the host key that the program created. */
  readonly ssh: { readonly address: pulumi.Input<string>; readonly hostKey: pulumi.Output<string> };
}

export function hostNamed(hosts: readonly Host[], name: string): Host {
  const host = hosts.find((candidate) => candidate.name === name);
  if (host === undefined) throw new Error(`no host is named ${name}`);
  return host;
}
