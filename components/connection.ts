import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { SshConfig } from "../config/model.ts";

export type Connection = command.types.input.remote.ConnectionArgs;

export interface ConnectionTarget {
  readonly address: pulumi.Input<string>;
  readonly port: number;
  /** `type base64`, as in known_hosts. */
  readonly hostKey: pulumi.Input<string>;
  readonly ssh: SshConfig;
  /** Private key of the SSH login. @default the agent's keys */
  readonly privateKey?: pulumi.Input<string>;
}

/** Four dials of 4 s: a host that drops packets is given up after 17 s, one that refuses after about 1 s. */
const DIAL = { dialErrorLimit: 3, perDialTimeout: 4 } as const;

/** The SSH connection to a host, its key pinned. The agent's socket changes per login: never an input. */
export function connectionTo({ address, port, hostKey, ssh, privateKey }: ConnectionTarget): Connection {
  const login = privateKey === undefined ? {} : { privateKey: pulumi.secret(privateKey) };
  const { bastion } = ssh;
  return {
    host: address,
    port,
    user: ssh.user,
    hostKey,
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

/**
 * To a machine that may still be booting: 21 dials, with pauses of up to 5 s between them. An EC2 instance answers
 * after 20 to 60 s; one that refuses is given up after 65 s, one that drops packets after 145 s. Bare metal boots for up
 * to 20 minutes, for which it is dialled at least.
 */
export function whileBooting(connection: Connection, isBareMetal = false): Connection {
  return { ...connection, dialErrorLimit: isBareMetal ? 240 : 20 };
}
