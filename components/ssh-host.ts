import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { partOf } from "../cluster/resource-names.ts";
import type { SshConfig } from "../config/model.ts";
import type { Caller } from "../host/commands.ts";
import { connectionTo } from "./connection.ts";
import type { Host } from "./host.ts";
import { type PreparationArgs, prepareStep } from "./preparation.ts";
import { INERT, remoteStep, type Step } from "./step.ts";

export interface SshHostArgs extends PreparationArgs {
  readonly ssh: SshConfig;
  /** Private key of the SSH login. @default the agent's keys */
  readonly privateKey?: pulumi.Input<string>;
}

/** A given machine, reached by SSH. */
export class SshHost extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly incarnation: number;
  readonly caller: Caller;
  readonly connection: pulumi.Input<command.types.input.remote.ConnectionArgs>;
  readonly prepared: Step;

  constructor(name: string, args: SshHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:host:SshHost", name, {}, opts);
    const { node, ssh, privateKey } = args;
    this.name = node.name;
    this.incarnation = node.incarnation;
    this.caller = { user: ssh.user };
    this.connection = connectionTo({
      address: node.sshAddress,
      port: node.sshPort,
      hostKey: node.hostKey,
      ssh,
      ...(privateKey === undefined ? {} : { privateKey }),
    });
    this.prepared = node.lost
      ? remoteStep(partOf(name, "host"), this, { create: ":" }, { parent: this, ...INERT })
      : prepareStep(name, this, this, args);
    this.registerOutputs({ address: node.sshAddress, port: node.sshPort, hostKey: node.hostKey });
  }
}
