/** Configurations to run the program with. */

import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parse } from "yaml";

export type Config = Readonly<Record<string, unknown>>;

/** Key of the ssh login, made for this run. */
export const loginKey = generateKeyPairSync("ed25519")
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();

/** A host's public key in the form of known_hosts, another one for every text. */
export function hostKey(text: string): string {
  const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const key = Buffer.concat([part(Buffer.from("ssh-ed25519")), part(Buffer.alloc(32, text))]);
  return `ssh-ed25519 ${key.toString("base64")}`;
}

/** Pulumi.dev.yaml, or another stack's file, in a home folder that has the files it names. */
export function devConfig(stack = "dev"): Config {
  const home = mkdtempSync(join(tmpdir(), "etcd-program-test-"));
  process.on("exit", () => rmSync(home, { recursive: true, force: true }));
  mkdirSync(join(home, ".ssh"));
  writeFileSync(join(home, ".ssh/id_ed25519"), loginKey, { mode: 0o600 });
  writeFileSync(join(home, ".ssh/id_ed25519.pub"), `${hostKey("the login")} me\n`);
  const hosts = [101, 102, 103].map((last) => `192.168.1.${last} ${hostKey(`host ${last}`)}\n`);
  writeFileSync(join(home, ".ssh/known_hosts"), hosts.join(""));
  process.env.HOME = home;
  const file: unknown = parse(readFileSync(new URL(`../../Pulumi.${stack}.yaml`, import.meta.url), "utf8"));
  return withoutNamespace(Object(Object(file).config));
}

function withoutNamespace(config: object): Config {
  const own = Object.entries(config).filter(([key]) => key.startsWith("etcd:"));
  return Object.fromEntries(own.map(([key, value]) => [key.slice("etcd:".length), value]));
}

export interface Node {
  readonly name: string;
  readonly address: string;
  readonly hostKey: string;
  readonly [setting: string]: unknown;
}

/** node1, node2, … */
export function nodes(count: number): readonly Node[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node${index + 1}`,
    address: `192.168.1.${101 + index}`,
    hostKey: hostKey(`host ${101 + index}`),
  }));
}

/** A cluster of `count` nodes that needs no file; `changes` replaces settings. */
export function clusterOf(count: number, changes: Config = {}): Config {
  return { nodes: nodes(count), sshPrivateKey: loginKey, ...changes };
}
