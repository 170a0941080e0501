// Part of the stand-ins for machines without downloads: reaches a host, with retries, and through a bastion if there is one.
// Fails with the texts of the official `command` plugin, because people search for them and tests look for them.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import type { Client } from "ssh2";
import { message, reasonOf } from "./errors.ts";
import type { Log } from "./provider.ts";
import { type Credentials, credentialsOf, handshake, type Login } from "./ssh-login.ts";

export interface Context {
  log: Log;
  cancelled: AbortSignal;
}

export async function dial(login: Login, context: Context): Promise<Client> {
  const { proxy } = login;
  const credentials = await credentialsOf(login);
  if (proxy === undefined) {
    return await retry("Dial", login, context, async () => handshake(credentials, await dialTcp(login)));
  }
  try {
    return await dialThrough(proxy, login, credentials, context);
  } catch (error) {
    throw new Error(`proxy: ${message(error)}`);
  }
}

async function dialThrough(
  proxy: Login,
  login: Login,
  credentials: Credentials,
  context: Context,
): Promise<Client> {
  const proxyCredentials = await credentialsOf(proxy);
  const toBastion = async () => handshake(proxyCredentials, await dialTcp(proxy));
  const bastion = await retry("Dial proxy", proxy, context, toBastion);
  try {
    const onward = async () => handshake(credentials, await forward(bastion, login));
    const client = await retry("Dial from proxy", login, context, onward);
    return client.once("close", () => bastion.end());
  } catch (error) {
    bastion.end();
    throw error;
  }
}

/** Repeats a failed attempt after 0.1 s, 0.15 s, … up to 5 s. */
async function retry<T>(
  what: string,
  { dialErrorLimit }: Login,
  context: Context,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failed = 0; ; failed++) {
    try {
      return await attempt();
    } catch (error) {
      if (dialErrorLimit >= 0 && failed >= dialErrorLimit) {
        throw new Error(`after ${failed} failed attempts: ${message(error)}`);
      }
      context.log(
        "status",
        `${what} ${failed + 1}/${dialErrorLimit < 0 ? "inf" : dialErrorLimit} failed: retrying`,
      );
    }
    await wait(Math.min(100 * 1.5 ** failed, 5000), undefined, { signal: context.cancelled }).catch(() => {
      throw new Error("context canceled");
    });
  }
}

async function dialTcp({ host, port, perDialTimeout }: Login): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  if (perDialTimeout > 0) {
    socket.setTimeout(perDialTimeout * 1000, () =>
      socket.destroy(new Error(`dial tcp ${address(host, port)}: i/o timeout`)),
    );
  }
  try {
    await once(socket, "connect");
  } catch (error) {
    throw dialError(error, host, port);
  }
  return socket.setTimeout(0);
}

function dialError(error: unknown, host: string, port: number): Error {
  if (error instanceof Error && "syscall" in error && error.syscall === "getaddrinfo") {
    return new Error(`dial tcp: lookup ${host}: no such host`);
  }
  const reason = reasonOf(error);
  return new Error(reason === undefined ? message(error) : `dial tcp ${address(host, port)}: ${reason}`);
}

function address(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function forward(bastion: Client, { host, port }: Login): Promise<Duplex> {
  return await new Promise((resolve, reject) => {
    bastion.forwardOut("127.0.0.1", 0, host, port, (error, stream) => {
      if (error)
        reject(new Error(`ssh: rejected: connect failed (${message(error).replace(/^.*failure: /, "")})`));
      else resolve(stream);
    });
  });
}
