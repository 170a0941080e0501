// What etcd sends as a snapshot.
import { createHash, randomBytes } from "node:crypto";

/** Pages, the first one beginning with these words, then the digest of all of them. */
export function sent(bytes = 32 * 1024, words = ""): Buffer {
  const data = randomBytes(bytes);
  data.write(words);
  return Buffer.concat([data, createHash("sha256").update(data).digest()]);
}
