import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeValues, parseConfig } from "../config/parse.ts";
import type { ClusterConfig, NodeConfig } from "../config.ts";
import { quoteShell } from "../host/quote.ts";
import { withPrivateFolder } from "./private-folder.ts";

interface Login {
  readonly config: ClusterConfig;
  readonly node: NodeConfig;
  /** Contents of the private key; without it the agent's keys. */
  readonly key?: string;
}

/** etcdctl on the first host, with that host's own operator certificate. `stackConfig` is `pulumi config --json`. */
export function runOnHost(stackConfig: unknown, args: readonly string[]): number {
  const login = loginOf(stackConfig);
  return withPrivateFolder((directory) => {
    const file = writeSshConfig(directory, login);
    const program = "/usr/local/sbin/etcd-host";
    const missing = quoteShell(`there is no member on ${login.node.name} yet: run pulumi up`);
    const sudo = login.config.ssh.user === "root" ? "" : "sudo -n ";
    const call = sudo + [program, "ctl", ...args].map(quoteShell).join(" ");
    const command = `test -x ${program} || { echo ${missing} >&2; exit 1; }; ${call}`;
    return spawnSync("ssh", ["-F", file, "member", command], { stdio: "inherit" }).status ?? 1;
  });
}

function loginOf(stackConfig: unknown): Login {
  const texts: Record<string, string> = {};
  for (const [key, entry] of Object.entries(stackConfig ?? {})) {
    if (key.startsWith("etcd:") && typeof entry.value === "string")
      texts[key.slice("etcd:".length)] = entry.value;
  }
  const { config, problems } = parseConfig(decodeValues(texts), (path) => readFileSync(path, "utf8"));
  if (config === undefined) throw new Error(problems.join("\n"));
  const node = config.nodes.find((candidate) => !candidate.lost);
  if (node === undefined) throw new Error("the stack declares no host");
  const key = texts.sshPrivateKey ?? config.ssh.privateKey;
  return { config, node, ...(key === undefined ? {} : { key }) };
}

/** One file says it all to OpenSSH: the way, the pinned host keys, and the key; the user's own settings stay out. */
function writeSshConfig(directory: string, { config, node, key }: Login): string {
  const path = (name: string) => join(directory, name);
  const write = (name: string, text: string) => writeFileSync(path(name), text, { mode: 0o600 });
  if (key !== undefined) write("key", `${key.trimEnd()}\n`);
  const identity = key === undefined ? "" : `IdentityFile ${path("key")}\n  IdentitiesOnly yes\n  `;
  const entry = (alias: string, host: string, port: number, user: string, hostKey: string, jump = "") => {
    write(`${alias}-hosts`, `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}\n`);
    return `Host ${alias}\n  HostName ${host}\n  Port ${port}\n  User ${user}\n  ${identity}${jump}StrictHostKeyChecking yes\n  UserKnownHostsFile ${path(`${alias}-hosts`)}\n  LogLevel ERROR\n`;
  };
  const { bastion, user } = config.ssh;
  const jump = bastion === undefined ? "" : "ProxyJump bastion\n  ";
  write(
    "config",
    (bastion === undefined
      ? ""
      : entry("bastion", bastion.address, bastion.port, bastion.user, bastion.hostKey)) +
      entry("member", node.sshAddress, node.sshPort, user, node.hostKey, jump),
  );
  return path("config");
}
