/** A right configuration to make wrong: values as a stack gives them, and a workstation with an agent, a key and known hosts. */

import { generateKeyPairSync } from "node:crypto";
import type { ClusterConfig } from "../../config/model.ts";
import { parseConfig } from "../../config/parse.ts";

export const privateKey = generateKeyPairSync("ed25519")
  .privateKey.export({ format: "pem", type: "pkcs8" })
  .toString();

/** The text of a public key of the type: only its framing is real. */
export function hostKey(type = "ssh-ed25519", fill = 1): string {
  const frame = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([frame(Buffer.from(type)), frame(Buffer.alloc(32, fill))]);
  return `${type} ${blob.toString("base64")}`;
}

export const threeNodes = [1, 2, 3].map((n) => ({ name: `node${n}`, address: `192.168.1.10${n}` }));

export const right = {
  nodes: threeNodes,
  ssh: { user: "root", knownHostsFile: "~/.ssh/known_hosts" },
  backup: { interval: "off" },
  maintenance: { defragment: "off" },
};

export type Files = Readonly<Record<string, string | undefined>>;

export const files: Files = {
  "/home/me/.ssh/id_ed25519": privateKey,
  "/home/me/.ssh/known_hosts": `192.168.1.*,10.0.0.*,2001:db8:*,*.example.com ${hostKey()}\n`,
};

/** Reads the right configuration with some values exchanged; `undefined` leaves a value out. */
export function read(
  changes: Readonly<Record<string, unknown>> = {},
  moreFiles: Files = {},
  environment: Readonly<Record<string, string>> = {},
): ReturnType<typeof parseConfig> {
  const readFile = (path: string) => {
    const text = { ...files, ...moreFiles }[path];
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
    return text;
  };
  return parseConfig({ ...right, ...changes }, readFile, {
    HOME: "/home/me",
    SSH_AUTH_SOCK: "/run/agent",
    ...environment,
  });
}

export function problems(...args: Parameters<typeof read>): readonly string[] {
  return read(...args).problems;
}

/** The configuration of something that is right; says why if it is not. */
export function config(...args: Parameters<typeof read>): ClusterConfig {
  const parsed = read(...args);
  if (parsed.config === undefined) throw new Error(parsed.problems.join("\n"));
  return parsed.config;
}
