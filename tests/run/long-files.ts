// Files of code that are too long to be about one thing.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const LIMIT = 300;
/** Of the languages that are written here, or a program without an ending. */
const CODE = /(\.(ts|mjs|js|sh|bash)|\/[^./]+)$/;

/** A sentence about each of these files that is code, and longer than a file may be. */
export async function longFiles(folder: string, files: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const file of files.filter((name) => CODE.test(name))) {
    const text = await readFile(join(folder, file), "utf8").catch(() => ""); // deleted, not yet committed
    const lines = text.split("\n").length - 1;
    if (lines > LIMIT)
      found.push(
        `${file} has ${lines} lines, more than ${LIMIT}: move what is a thing of its own out of it.`,
      );
  }
  return found;
}
