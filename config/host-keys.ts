/** The host key of each machine: the setting hostKey, or else the entry in ssh.knownHostsFile. */

import { hostPort } from "./address.ts";
import { type Environment, readFile } from "./environment.ts";
import { lookUpHostKey, parseHostKey, rsaReason } from "./known-hosts.ts";
import type { NodeConfig } from "./model.ts";
import type { NodeAddresses } from "./nodes.ts";
import { Fields } from "./value.ts";

/** Every host gets a pinned key: without one the provider would talk to whatever answers at the address. */
export function pinHostKeys(
  top: Fields,
  nodes: readonly NodeAddresses[],
  environment: Environment,
): readonly NodeConfig[] {
  const ssh = top.object("ssh");
  const known = readKnownHosts(ssh, environment);
  const from = ssh.get("bastion") === undefined ? "" : " on the bastion";
  return nodes.map(({ path, hostKey: given = "", ...node }) => {
    // A lost host is no longer dialled.
    if (node.lost && given === "") return { ...node, hostKey: "" };
    const fields = new Fields(path, {}, top.report);
    const hostKey = findHostKey(fields, { address: node.sshAddress, port: node.sshPort, given, known, from });
    return { ...node, hostKey };
  });
}

export interface HostKeySearch {
  readonly address: string;
  readonly port: number;
  readonly given: string;
  readonly known: string | undefined;
  readonly from: string;
}

export function findHostKey(fields: Fields, search: HostKeySearch): string {
  const { address, port, given, known, from } = search;
  if (given !== "") {
    const parsed = parseHostKey(given);
    if ("key" in parsed) return parsed.key;
    fields.problem("hostKey", `the value ${parsed.problem}.`);
    return "";
  }
  // A missing address or an unreadable file has already been reported.
  if (address === "" || known === undefined) return "";
  const found = lookUpHostKey(known, address, port);
  if ("key" in found) return found.key;
  const host = port === 22 ? address : hostPort(address, port);
  const scan = `ssh-keyscan -t ed25519 ${port === 22 ? "" : `-p ${port} `}${address}`;
  const sentence = {
    "no entry": `no host key is known for ${host}; run "${scan}"${from}, compare it with the host's own /etc/ssh/ssh_host_ed25519_key.pub, and set hostKey or add it to ssh.knownHostsFile.`,
    "only RSA": `only an RSA key is known for ${host}, ${rsaReason} ("${scan}"${from}, then compare).`,
    revoked: `the known host keys of ${host} are marked @revoked; find out why before trusting the host again.`,
    "several keys": `several different keys of one type are known for ${host}; keep the right one in ssh.knownHostsFile, or set hostKey.`,
  }[found.missing];
  fields.problem("hostKey", sentence);
  return "";
}

/** The text of ssh.knownHostsFile: empty if none is set, undefined if it cannot be read. */
export function readKnownHosts(ssh: Fields, environment: Environment): string | undefined {
  const file = ssh.text("knownHostsFile", "");
  return file === "" ? "" : readFile(ssh, "knownHostsFile", file, environment);
}
