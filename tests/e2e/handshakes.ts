/**
 * Clients that come all the time: a TLS handshake with every listener, again and again, while a change is made. Run as a
 * program, in the network of the lab's client, it goes on until its input ends.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { argv, stdin } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { PEER_PORT } from "../../etcd/ports.ts";
import { labCommand } from "../../lab/describe.ts";
import { labEnv } from "./lab.ts";

const PAUSE_MS = 20;
/** A member that restarts refuses or cuts connections for a moment; what is meant is a handshake that fails. */
const RESTARTING = ["ECONNREFUSED", "ECONNRESET", "EPIPE"];

export interface Handshakes {
  readonly done: number;
  /** Why some failed. */
  readonly failed: readonly string[];
  /** Of the served certificates, each once. */
  readonly serials: readonly string[];
}

/**
 * `bundle`: the folder with `ca.crt`, `client.crt` and `client.key`, read once, as a client outside does. For peer listeners
 * also `peer-ca.crt`: there a handshake ends with what the member serves, since no client has a certificate for it.
 */
export async function whileShakingHands(
  bundle: string,
  endpoints: readonly string[],
  work: () => Promise<unknown>,
): Promise<Handshakes> {
  const program = fileURLToPath(import.meta.url);
  const child = spawn(labCommand, ["exec", "node", "--no-warnings", program, bundle, ...endpoints], {
    env: labEnv,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  try {
    await work();
  } catch (error) {
    child.kill();
    throw error;
  }
  child.stdin.end();
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the handshakes ended with ${code}: ${said}`);
  return JSON.parse(said);
}

async function shakeHands(bundle: string, endpoints: readonly string[]): Promise<Handshakes> {
  const [ca, cert, key] = await Promise.all(
    ["ca.crt", "client.crt", "client.key"].map((file) => readFile(join(bundle, file))),
  );
  const isPeer = ({ port }: URL) => port === String(PEER_PORT);
  const peerCa = endpoints.some((endpoint) => isPeer(new URL(endpoint)))
    ? await readFile(join(bundle, "peer-ca.crt"))
    : "";
  const serials = new Set<string>();
  const failed: string[] = [];
  let done = 0;
  let ended = false;
  stdin.resume().once("end", () => {
    ended = true;
  });
  const shake = async (url: URL) => {
    const { hostname } = url;
    const to = { host: hostname, port: Number(url.port) };
    const socket = connect(isPeer(url) ? { ...to, ca: peerCa } : { ...to, ca, cert, key });
    try {
      await (isPeer(url) ? once(socket, "secureConnect") : answerOf(socket));
      serials.add(socket.getPeerCertificate().serialNumber);
      done++;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      if (!RESTARTING.includes(code)) failed.push(`${url.host}: ${code}`);
    } finally {
      socket.destroy();
    }
  };
  const ask = async (endpoint: string) => {
    while (!ended) {
      await shake(new URL(endpoint));
      await delay(PAUSE_MS);
    }
  };
  await Promise.all(endpoints.map(ask));
  return { done, failed, serials: [...serials] };
}

/** With TLS 1.3 a server refuses a client's certificate after the handshake: so its answer is waited for. */
function answerOf(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("secureConnect", () => socket.write("GET /version HTTP/1.0\r\n\r\n"));
    socket.once("data", () => resolve());
    socket.on("error", reject);
    socket.once("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [bundle = "", ...endpoints] = argv.slice(2);
  console.log(JSON.stringify(await shakeHands(bundle, endpoints)));
}
