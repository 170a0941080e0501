// Part of the stand-ins for machines without downloads: runs one command over an SSH connection.
import { constants } from "node:os";
import type { Client, ClientChannel } from "ssh2";
import type { Output } from "./output.ts";
import type { Log } from "./provider.ts";

export { dial } from "./ssh-dial.ts";
export type { Login } from "./ssh-login.ts";

/**
 * What the host lets us set. A variable of `environment` that is refused fails the step, one of the previous output only warns.
 * The ssh library does not tell whether a variable was refused, so a first command on the same connection checks.
 */
export async function acceptedEnvironment(
  client: Client,
  environment: Record<string, string>,
  previous: Record<string, string>,
  log: Log,
): Promise<Record<string, string>> {
  const wanted = { ...environment, ...previous };
  const names = Object.keys(wanted);
  if (names.length === 0) return {};
  const seen: Buffer[] = [];
  const probe = `for n in ${names.join(" ")}; do eval "test -z "\\\${$n+x}" || echo $n"; done`;
  const output = { stdout: (chunk: Buffer) => void seen.push(chunk), stderr: () => {} };
  await execute(client, probe, Object.fromEntries(names.map((name) => [name, "x"])), undefined, output);
  const accepted = Buffer.concat(seen).toString().split("\n");
  for (const name of names.filter((name) => !accepted.includes(name))) {
    const hint = `Unable to set '${name}': the host's sshd refuses it (AcceptEnv)`;
    log(name in environment ? "error" : "warning", hint);
    if (name in environment)
      throw new Error(`could not set environment variable "${name}": ssh: setenv failed`);
    delete wanted[name];
  }
  return wanted;
}

/** Runs a command and resolves when it has ended well. */
export async function execute(
  client: Client,
  command: string,
  env: Record<string, string>,
  stdin: string | undefined,
  output: Output,
): Promise<void> {
  const { channel, ended } = await open(client, command, env);
  channel.on("data", output.stdout);
  channel.stderr.on("data", output.stderr);
  channel.on("error", () => {}); // a command may end without reading its standard input
  let written = false;
  channel.end(stdin, () => {
    written = true;
  });
  const failure = (await ended) ?? (written ? undefined : "EOF"); // as the official provider reports input that was not read
  if (failure !== undefined) throw new Error(failure);
}

interface Opened {
  readonly channel: ClientChannel;
  /** Why the command failed; nothing if it did not. */
  readonly ended: Promise<string | undefined>;
}

function open(client: Client, command: string, env: Record<string, string>): Promise<Opened> {
  return new Promise((resolve, reject) => {
    client.exec(command, { env }, (error, channel) => {
      if (error) reject(error);
      // listened to from here on: a command that ends immediately is reported in the same packet that opens it
      else resolve({ channel, ended: outcomeOf(client, channel) });
    });
  });
}

function outcomeOf(client: Client, channel: ClientChannel): Promise<string | undefined> {
  return new Promise((resolve) => {
    let outcome: string | undefined = "wait: remote command exited without exit status or exit signal";
    channel.on("exit", (code: number | null, signal?: string) => {
      if (code === null)
        outcome = `Process exited with status ${128 + signalNumber(signal)} from signal ${signal?.replace(/^SIG/, "")}`;
      else outcome = code === 0 ? undefined : `Process exited with status ${code}`;
    });
    channel.on("close", () => resolve(outcome));
    client.once("close", () => resolve(outcome));
  });
}

function signalNumber(name: string | undefined): number {
  return Object.entries(constants.signals).find(([known]) => known === name)?.[1] ?? 0;
}
