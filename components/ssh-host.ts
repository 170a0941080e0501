import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { NodeConfig, SshConfig } from "../config.ts";
import { type Caller, deleteCommand, identityOptions, prepareCommand } from "../host/commands.ts";
import { hostProgram } from "../host/program.ts";
import type { Host } from "./host.ts";
import { INERT, ownerOf, remoteStep, type Step } from "./step.ts";

/** A given machine, reached by SSH. */
export interface SshHostArgs {
  readonly node: NodeConfig;
  readonly ssh: SshConfig;
  /** Private key of the SSH login. @default the agent's keys */
  readonly privateKey?: pulumi.Input<string>;
  /** The cluster token: a host that runs a member of another cluster is refused. */
  readonly token: pulumi.Input<string>;
  readonly dataDir: string;
  readonly quotaBackendBytes: number;
  readonly metricsUrl: string;
  readonly checkId: number;
  /** Digest of what the member will run: before a member changes, its host is looked at. Nothing for a lost node. */
  readonly memberDigest?: string;
  /** RFC 3339; the host's clock may not be before it. Fixed, unlike the workstation's time. */
  readonly notBefore: pulumi.Input<string>;
}

/** Four dials of 4 s: a host that swallows packets is given up after 17 s, one that refuses after about 1 s. */
const DIAL = { dialErrorLimit: 3, perDialTimeout: 4 } as const;

export class SshHost extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly incarnation: number;
  readonly caller: Caller;
  readonly connection: pulumi.Input<command.types.input.remote.ConnectionArgs>;
  readonly prepared: Step;

  constructor(name: string, args: SshHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("etcd:host:SshHost", name, {}, opts);
    this.name = args.node.name;
    this.incarnation = args.node.incarnation;
    this.caller = { user: args.ssh.user };
    this.connection = connectionTo(args);
    this.prepared = this.prepare(name, args);
    this.registerOutputs();
  }

  private prepare(name: string, args: SshHostArgs): Step {
    if (args.node.lost) return remoteStep(`${name}-host`, this, { create: ":" }, { parent: this, ...INERT });
    return remoteStep(
      `${name}-host`,
      this,
      {
        create: pulumi.all([ownerOf(this), args.token, args.notBefore]).apply(([owner, token, notBefore]) =>
          prepareCommand(this.caller, {
            ...identityOptions(this, owner, args.checkId),
            cluster: token,
            address: args.node.address,
            listen: args.node.listenAddress,
            "data-dir": args.dataDir,
            quota: args.quotaBackendBytes,
            "metrics-url": args.metricsUrl,
            "not-before": notBefore,
            member: args.memberDigest,
          }),
        ),
        delete: ownerOf(this).apply((owner) =>
          deleteCommand(this.caller, "remove-host", identityOptions(this, owner, args.checkId)),
        ),
        stdin: hostProgram(),
      },
      { parent: this },
    );
  }
}

/** The SSH connection to a given machine, its host key pinned. The agent's socket changes per login: never an input. */
function connectionTo({ node, ssh, privateKey }: SshHostArgs): command.types.input.remote.ConnectionArgs {
  const login = privateKey === undefined ? {} : { privateKey: pulumi.secret(privateKey) };
  const { bastion } = ssh;
  return {
    host: node.sshAddress,
    port: node.sshPort,
    user: ssh.user,
    hostKey: node.hostKey,
    ...login,
    ...DIAL,
    ...(bastion === undefined
      ? {}
      : {
          proxy: {
            host: bastion.address,
            port: bastion.port,
            user: bastion.user,
            hostKey: bastion.hostKey,
            ...login,
            ...DIAL,
          },
        }),
  };
}
