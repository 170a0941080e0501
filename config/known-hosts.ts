/** Host keys from an OpenSSH known_hosts file. */

import { createHmac } from "node:crypto";

/** `key` is type and base64, as in an authorized_keys file. */
export type HostKeyLookup =
  | { key: string }
  | { missing: "no entry" | "revoked" | "only RSA" | "several keys" };

interface Entry {
  readonly marker: string;
  readonly hosts: string;
  readonly type: string;
  readonly blob: string;
}

/**
 * Key types that can be pinned, best first. The provider offers the server exactly the type of the pinned key as
 * signature algorithm; today's sshd does not sign with `ssh-rsa` (SHA-1), so an RSA key would fail every handshake.
 */
export const pinnableTypes = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
];

export function lookUpHostKey(knownHosts: string, address: string, port: number): HostKeyLookup {
  const names = port === 22 ? [address, `[${address}]:22`] : [`[${address}]:${port}`];
  const entries = parseEntries(knownHosts).filter(({ hosts }) => names.some((name) => matches(hosts, name)));
  const revoked = new Set(entries.filter(({ marker }) => marker === "@revoked").map(({ blob }) => blob));
  const candidates = entries.filter(({ marker }) => marker === "");
  const usable = candidates.filter(({ blob }) => !revoked.has(blob));
  for (const type of pinnableTypes) {
    const blobs = [...new Set(usable.filter((entry) => entry.type === type).map(({ blob }) => blob))];
    if (blobs.length > 1) return { missing: "several keys" };
    if (blobs[0] !== undefined) return { key: `${type} ${blobs[0]}` };
  }
  if (usable.some(({ type }) => type === "ssh-rsa")) return { missing: "only RSA" };
  return { missing: candidates.length > 0 ? "revoked" : "no entry" };
}

function parseEntries(knownHosts: string): readonly Entry[] {
  return knownHosts.split("\n").flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith("@") ? (words.shift() ?? "") : "";
    const [hosts, type, blob] = words;
    if (hosts === undefined || hosts.startsWith("#") || type === undefined || blob === undefined) return [];
    return [{ marker, hosts, type, blob }];
  });
}

/** The hosts field is one hash, or patterns separated by commas, where a matching `!pattern` excludes. */
function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith("|")) return matchesHash(hosts, name);
  const patterns = hosts.toLowerCase().split(",");
  const hit = (pattern: string) => toRegExp(pattern).test(name.toLowerCase());
  return patterns.some(hit) && !patterns.some((pattern) => pattern.startsWith("!") && hit(pattern.slice(1)));
}

function matchesHash(hosts: string, name: string): boolean {
  const [, version, salt, hash] = hosts.split("|");
  if (version !== "1" || salt === undefined || hash === undefined) return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
}

function toRegExp(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`);
}

/** A host key given directly: canonical `type base64`, or what is wrong with it. */
export function parseHostKey(text: string): { key: string } | { problem: string } {
  const [type = "", blob = ""] = text.trim().split(/\s+/);
  if (type === "ssh-rsa") return { problem: `is an RSA key, ${rsaReason}` };
  if (text.startsWith("SHA256:"))
    return { problem: "is a fingerprint; give the key itself, like ssh-ed25519 AAAA…" };
  if (!pinnableTypes.includes(type)) {
    return pinnableTypes.some((known) => text.includes(`${known} `))
      ? { problem: "has something before the key; leave the host name out: ssh-ed25519 AAAA…" }
      : { problem: "is not a host key; write type and key as in known_hosts: ssh-ed25519 AAAA…" };
  }
  if (typeInside(blob) !== type)
    return { problem: "is damaged: the key does not decode as the type before it" };
  return { key: `${type} ${blob}` };
}

export const rsaReason =
  "which cannot be pinned (today's sshd does not sign with ssh-rsa); use its ed25519 or ecdsa key";

/** A public key begins with the length and the name of its own type. */
export function typeInside(blob: string): string | undefined {
  const bytes = Buffer.from(blob, "base64");
  if (bytes.length < 36 || bytes.toString("base64") !== blob) return undefined;
  return bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString("latin1");
}
