// OpenSSH to the hosts of a stack, as its configuration says: the same keys, the same pinned host keys, the same bastion.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterConfig, NodeConfig } from "../../config/model.ts";
import { decodeValues, parseConfig } from "../../config/parse.ts";
import { settingOf } from "../../config/project.ts";
import { NO_AGENT } from "../../config/ssh.ts";
import { type Json, record } from "../../lib/json.ts";

export interface Login {
  readonly config: ClusterConfig;
  /** Contents of the private key; without it the agent's keys. */
  readonly key?: string;
  /** What decrypts a snapshot, where the stack has it. */
  readonly identity?: string;
}

/** `stackConfig` is what `pulumi config --show-secrets --json` prints. */
export function loginOf(stackConfig: unknown): Login {
  const texts: Record<string, string> = {};
  for (const [key, entry] of Object.entries(record(stackConfig))) {
    const { value }: Json = record(entry);
    const setting = settingOf(key);
    if (setting !== undefined && typeof value === "string") texts[setting] = value;
  }
  const { config, problems } = parseConfig(decodeValues(texts), (path) => readFileSync(path, "utf8"));
  if (config === undefined) throw new Error(problems.join("\n"));
  if (config.ssh.agent && !process.env.SSH_AUTH_SOCK) throw new Error(`ssh: ${NO_AGENT}`);
  const key = texts.sshPrivateKey ?? config.ssh.privateKey;
  const identity = texts.backupIdentity;
  return {
    config,
    ...(key === undefined ? {} : { key }),
    ...(identity === undefined ? {} : { identity }),
  };
}

/** The hosts that are not lost. */
export function reachableNodes({ config }: Login): readonly NodeConfig[] {
  return config.nodes.filter((node) => !node.lost);
}

/** How a command becomes root there. */
export function sudoOf({ config }: Login): string {
  return config.ssh.user === "root" ? "" : "sudo -n ";
}

/** The name of a node in the file that `writeSshConfig` writes. */
export function aliasOf(node: NodeConfig): string {
  return `node-${node.name}`;
}

/** One file configures OpenSSH; the user's own settings are ignored. Returns its path. */
export function writeSshConfig(directory: string, login: Login): string {
  const { config, key } = login;
  const path = (name: string) => join(directory, name);
  const write = (name: string, content: string) => writeFileSync(path(name), content, { mode: 0o600 });
  if (key !== undefined) write("key", `${key.trimEnd()}\n`);
  const identity = key === undefined ? "" : `IdentityFile ${path("key")}\n  IdentitiesOnly yes\n  `;
  const entry = (alias: string, host: string, port: number, user: string, hostKey: string, jump = "") => {
    write(`${alias}-hosts`, `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}\n`);
    return `Host ${alias}\n  HostName ${host}\n  Port ${port}\n  User ${/^[\p{L}\p{N}_.@\\-]+$/u.test(user) ? user : `"${user}"`}\n  ${identity}${jump}StrictHostKeyChecking yes\n  UserKnownHostsFile ${path(`${alias}-hosts`)}\n  GlobalKnownHostsFile /dev/null\n  BatchMode yes\n  ConnectTimeout 10\n  ServerAliveInterval 5\n  ServerAliveCountMax 3\n  LogLevel ERROR\n`;
  };
  const { bastion, user } = config.ssh;
  const jump = bastion === undefined ? "" : "ProxyJump bastion\n  ";
  const entries = [
    ...(bastion === undefined
      ? []
      : [entry("bastion", bastion.address, bastion.port, bastion.user, bastion.hostKey)]),
    ...reachableNodes(login).map((node) =>
      entry(aliasOf(node), node.sshAddress, node.sshPort, user, node.hostKey, jump),
    ),
  ];
  write("config", entries.join(""));
  return path("config");
}
