/** Tells a line of an authorized_keys file from what people give instead. */

import { pinnableTypes, typeInside } from "./known-hosts.ts";

const types = [
  ...pinnableTypes,
  "ssh-rsa",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

/** What cloud-init's YAML reader refuses, or takes for the end of a line. */
const NO_TEXT = /(?!\t)[\p{Cc}\p{Cs}\u2028\u2029\ufffe\uffff]/u;

/** What is wrong with a public key, as the end of a sentence, or nothing. Never quotes it. */
export function publicKeyProblem(contents: string): string | undefined {
  const text = contents.trim();
  const [type = "", blob = ""] = text.split(/\s+/);
  if (/PRIVATE KEY|^PuTTY-User-Key-File/.test(text)) {
    return "is a private key; give the public one (the file with .pub)";
  }
  if (text.includes("\n")) return "has several lines; give each key as a separate entry";
  if (NO_TEXT.test(text)) return "has a character that is no text; write it as ssh-keygen does";
  if (types.includes(type)) {
    return typeInside(blob) === type
      ? undefined
      : "is damaged: the key does not decode as the type before it";
  }
  return types.some((known) => text.includes(`${known} `))
    ? "has something before the key; leave the options out: ssh-ed25519 AAAA…"
    : "is not a public key; write it as ssh-keygen does: ssh-ed25519 AAAA…";
}
