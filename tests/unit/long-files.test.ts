import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { longFiles } from "../run/long-files.ts";

test("code of more than 300 lines is named, and nothing else", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "long-files-"));
  t.after(() => rm(folder, { recursive: true }));
  const lines: Readonly<Record<string, number>> = {
    "a.ts": 300,
    "b.test.ts": 301,
    "lab/lib/c.bash": 400,
    "lab/program": 301,
    "tests/urns.golden.txt": 500,
    "package-lock.json": 500,
    CODEOWNERS: 500,
  };
  for (const [file, count] of Object.entries(lines)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), "line\n".repeat(count));
  }
  const sentence = (file: string) =>
    `${file} has ${lines[file]} lines, more than 300: move what is a thing of its own out of it.`;
  assert.deepEqual(
    await longFiles(folder, [...Object.keys(lines), "deleted.ts"]),
    ["b.test.ts", "lab/lib/c.bash", "lab/program"].map(sentence),
  );
});
