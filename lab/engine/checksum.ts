// The published checksum of a release archive, and that of the file at hand.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** For what is small: a site that does not answer must not hold up the next way. */
export const QUICKLY = ["--connect-timeout", "3", "--max-time", "6"];

/** The list that Pulumi publishes with the release, on another site than the archive: `SHA256  NAME` lines. */
export async function publishedDigest(list: string, name: string): Promise<string | undefined> {
  const { stdout } = await run("curl", ["-fsSL", ...QUICKLY, list]);
  const words = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  return words.find(([, file]) => file === name)?.[0];
}

export async function digestOf(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}
