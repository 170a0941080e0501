// Part of the stand-ins for machines without downloads: who logs in, how, and to which host.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import ssh2, { type AnyAuthMethod, type Client, type ServerHostKeyAlgorithm } from "ssh2";
import { message, reasonOf } from "./errors.ts";
import { sshPrivateKey } from "./keys.ts";

/** Where to log in; what `connection` holds once its defaults are filled in. */
export interface Login {
  host: string;
  port: number;
  user: string;
  password?: string | undefined;
  privateKey?: string | undefined;
  privateKeyPassword?: string | undefined;
  agentSocketPath?: string | undefined;
  hostKey?: string | undefined;
  /** How often a failed attempt is repeated; -1: for ever. */
  dialErrorLimit: number;
  /** Seconds for one TCP connection; 0: no limit. */
  perDialTimeout: number;
  proxy?: Login | undefined;
}

export interface Credentials {
  username: string;
  authHandler: AnyAuthMethod[];
  expected: HostKey | undefined;
}

export async function credentialsOf(login: Login): Promise<Credentials> {
  const expected = login.hostKey === undefined ? undefined : parseHostKey(login.hostKey);
  return { username: login.user, authHandler: await authenticationOf(login), expected };
}

/** The ways to log in, in order: each kind is tried once, so a given key excludes the agent. */
async function authenticationOf(login: Login): Promise<AnyAuthMethod[]> {
  const { user: username, password, privateKey, privateKeyPassword } = login;
  const agent = login.agentSocketPath ?? (process.env.SSH_AUTH_SOCK || undefined);
  const methods: AnyAuthMethod[] = [{ type: "none", username }];
  if (privateKey !== undefined) {
    const key = readableKey(sshPrivateKey(privateKey, privateKeyPassword), privateKeyPassword);
    const passphrase = privateKeyPassword === undefined ? {} : { passphrase: privateKeyPassword };
    methods.push({ type: "publickey", username, key, ...passphrase });
  }
  if (password !== undefined) {
    methods.push({ type: "password", username, password });
    methods.push({
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
    });
  }
  if (agent !== undefined) {
    await reachable(agent);
    if (privateKey === undefined) methods.push({ type: "agent", username, agent });
  }
  return methods;
}

function readableKey(key: string, passphrase: string | undefined): string {
  const parsed = ssh2.utils.parseKey(key, passphrase);
  if (!(parsed instanceof Error)) return key;
  const encrypted = passphrase === undefined && /encrypted/i.test(parsed.message);
  throw new Error(encrypted ? "ssh: this private key is passphrase protected" : "ssh: no key found");
}

async function reachable(agent: string): Promise<void> {
  const socket = connect(agent);
  try {
    await once(socket, "connect");
  } catch (error) {
    throw new Error(`dial unix ${agent}: ${reasonOf(error) ?? message(error)}`);
  } finally {
    socket.destroy();
  }
}

export async function handshake(
  { username, authHandler, expected }: Credentials,
  sock: Socket | Duplex,
): Promise<Client> {
  let mismatch = false;
  const client = new ssh2.Client();
  client.on("error", () => {}); // a broken connection shows in what is under way on it
  const config: Parameters<Client["connect"]>[0] = {
    username,
    sock,
    readyTimeout: 0,
    authHandler,
    hostVerifier: (key: Buffer) => {
      mismatch = expected !== undefined && !expected.blob.equals(key);
      return !mismatch;
    },
  };
  if (expected) config.algorithms = { serverHostKey: [expected.type] };
  const closed = () => client.emit("error", new Error("EOF"));
  try {
    client.once("close", closed);
    await once(client.connect(config), "ready");
    client.off("close", closed);
  } catch (error) {
    client.off("close", closed).destroy();
    sock.destroy();
    if (mismatch) throw new Error("ssh: handshake failed: ssh: host key mismatch");
    if (error instanceof Error && "level" in error && error.level === "client-authentication") {
      const tried = [...new Set(authHandler.map(({ type }) => (type === "agent" ? "publickey" : type)))].join(
        " ",
      );
      throw new Error(
        `ssh: handshake failed: ssh: unable to authenticate, attempted methods [${tried}], no supported methods remain`,
      );
    }
    if (error instanceof Error && "code" in error && typeof error.code === "number")
      throw new Error(`ssh: handshake failed: ssh: disconnect, reason ${error.code}: ${error.message}`);
    const reason = message(error).replace(
      /^.*no matching host key format$/,
      "ssh: no common algorithm for host key",
    );
    throw new Error(`ssh: handshake failed: ${reason}`);
  }
  return client;
}

const HOST_KEY_TYPES: ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
];

interface HostKey {
  type: ServerHostKeyAlgorithm;
  blob: Buffer;
}

function parseHostKey(line: string): HostKey {
  const key = ssh2.utils.parseKey(line);
  const type = key instanceof Error ? undefined : HOST_KEY_TYPES.find((known) => known === key.type);
  if (key instanceof Error || type === undefined)
    throw new Error("failed to parse host key: ssh: no key found");
  return { type, blob: key.getPublicSSH() };
}
