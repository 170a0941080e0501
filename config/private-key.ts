/** Tells a private key that ssh can use without a passphrase from files that people give by mistake. */

/** What is wrong with the contents of a private key file, as the end of a sentence, or nothing. Never quotes them. */
export function privateKeyProblem(contents: string): string | undefined {
  const text = contents.trim();
  if (text === "") return "is empty; give a private key";
  if (/^(ssh-|ecdsa-|sk-)|BEGIN (SSH2 )?PUBLIC KEY/.test(text)) {
    return "is a public key; give the private one (the file without .pub)";
  }
  if (text.startsWith("PuTTY-User-Key-File")) {
    return "is a PuTTY key; convert it with puttygen -O private-openssh";
  }
  const [, label] = /^-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----$/m.exec(text) ?? [];
  if (label === undefined) return "is not a private key; give one in OpenSSH or PEM format";
  if (!text.includes(`-----END ${label}-----`)) return "is cut off: its END line is missing";
  if (label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type: 4,ENCRYPTED$/m.test(text)) return protectedKey;
  return label === "OPENSSH PRIVATE KEY" ? opensshProblem(text) : undefined;
}

const protectedKey =
  "is protected by a passphrase; load it into the ssh agent (ssh-add), and leave this setting out";

/** OpenSSH's own format names the cipher in the clear, right after its magic. */
function opensshProblem(text: string): string | undefined {
  const body = text.replace(/-----[A-Z ]+-----/g, "").replace(/\s+/g, "");
  const bytes = Buffer.from(body, "base64");
  const magic = "openssh-key-v1\0";
  if (bytes.subarray(0, magic.length).toString("latin1") !== magic || bytes.length < magic.length + 8) {
    return "is damaged: it does not decode as an OpenSSH private key";
  }
  const start = magic.length + 4;
  const cipher = bytes.subarray(start, start + bytes.readUInt32BE(magic.length)).toString("latin1");
  return cipher === "none" ? undefined : protectedKey;
}
