import type * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type { Caller } from "../host/commands.ts";
import type { Step } from "./step.ts";

/** A machine that a member runs on, however it came to be: what all steps after the first need of it. */
export interface Host {
  /** Name of the node, as in `nodes`. */
  readonly name: string;
  readonly incarnation: number;
  readonly caller: Caller;
  readonly connection: pulumi.Input<command.types.input.remote.ConnectionArgs>;
  /** The first step: preflight passed, the user, the directories and `etcd-host` are there. */
  readonly prepared: Step;
}
