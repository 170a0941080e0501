import { createHash } from "node:crypto";

/** Sixteen hexadecimal digits that change when any of the texts does. */
export function digestOf(texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:${text}`);
  return hash.digest("hex").slice(0, 16);
}
