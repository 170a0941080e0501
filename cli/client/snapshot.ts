// npm run client -- snapshot save FILE: a file on the workstation, of one healthy member, verified before it has its name.
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, renameSync, rmSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { list, record, text } from "../../lib/json.ts";

export const NO_HEALTHY_MEMBER =
  "no member is healthy, so a snapshot may lack the last writes; add --endpoints=URL to take it of one that still runs";

/** The digest that etcd appends to what it sends. */
const DIGEST_BYTES = 32;
const MEBIBYTE = 1024 ** 2;

/**
 * `save` writes a snapshot into the file it is given, and returns 0. Only a whole one gets the name `file`; one that was
 * there before stays until then.
 */
export async function saveSnapshot(
  file: string,
  save: (part: string) => number | Promise<number>,
): Promise<number> {
  const part = `${file}.part`;
  try {
    closeSync(openSync(part, "w", 0o600)); // it holds every key in the clear
    const code = await save(part);
    if (code !== 0) return code;
    if (!(await isWhole(part)))
      throw new Error("the snapshot is not what the member sent: its sha256 differs; nothing was saved");
    const { size } = await stat(part);
    renameSync(part, file);
    console.log(`saved and verified ${resolve(file)}: ${(size / MEBIBYTE).toFixed(1)} MiB`);
    return 0;
  } finally {
    rmSync(part, { force: true });
  }
}

/** Whether the file ends with the sha256 of all that comes before it. Nothing else compares it before a restore. */
export async function isWhole(file: string): Promise<boolean> {
  const { size } = await stat(file);
  if (size % 512 !== DIGEST_BYTES) return false;
  const hash = createHash("sha256");
  if (size > DIGEST_BYTES)
    for await (const chunk of createReadStream(file, { end: size - DIGEST_BYTES - 1 })) hash.update(chunk);
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(DIGEST_BYTES), 0, DIGEST_BYTES, size - DIGEST_BYTES);
    return hash.digest().equals(buffer);
  } finally {
    await handle.close();
  }
}

/** The first healthy one of what `etcdctl endpoint health -w json` printed; an alarm does not matter to a reader. */
export function healthyEndpoint(printed: string): string | undefined {
  const healthy = list(JSON.parse(printed || "[]"))
    .map(record)
    .find(({ health, error }) => health === true || text(error).includes("Active Alarm(s)"));
  return healthy === undefined ? undefined : text(healthy.endpoint);
}
