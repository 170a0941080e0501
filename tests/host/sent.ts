// What etcd sends as a snapshot.
import { createHash, randomBytes } from "node:crypto";

/** Pages, then the digest of all of them. */
export function sent(bytes = 32 * 1024): Buffer {
  const data = randomBytes(bytes);
  return Buffer.concat([data, createHash("sha256").update(data).digest()]);
}
