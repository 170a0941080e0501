/** A pull request against the commit that is checked out, the protected branch's. Nothing of it is ever checked out. */

import { capture } from "../../lib/capture.ts";
import type { Json } from "../../lib/json.ts";
import { beyondValues, type ChangedFile, codeOf, LARGEST, readStackFile, stackOf } from "./stack-files.ts";

export interface PullRequest {
  /** Why it is more than texts and values in stack files; nothing if the protected branch's program can plan it. */
  readonly code: readonly string[];
  /** The stack files that it changes. */
  readonly stackFiles: readonly string[];
}

export async function lookAt(head: string): Promise<PullRequest> {
  if (!/^[0-9a-f]{40}$/.test(head)) throw new Error(`${head} is not a commit's id`);
  const files = await changedFiles(head);
  const stackFiles = files.map(({ path }) => path).filter((path) => stackOf(path) !== undefined);
  const code = files.flatMap((file) => codeOf(file) ?? []);
  if (code.length > 0) return { code, stackFiles };
  return {
    code: (await Promise.all(stackFiles.map((path) => moreThanValues(head, path)))).flat(),
    stackFiles,
  };
}

/** A stack file as it is in a commit. */
export async function stackFileAt(commit: string, path: string): Promise<Json> {
  const size = await git("cat-file", "-s", `${commit}:${path}`);
  if (Number(size) > LARGEST) throw new Error(`${path} is larger than ${LARGEST / 1024} KiB`);
  return readStackFile(path, await git("cat-file", "blob", `${commit}:${path}`));
}

async function moreThanValues(head: string, path: string): Promise<readonly string[]> {
  if ((await git("ls-tree", "HEAD", "--", path)) === "") return [`${path} is the file of a new stack`];
  try {
    return beyondValues(path, await stackFileAt("HEAD", path), await stackFileAt(head, path));
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Since it left the protected branch. */
async function changedFiles(head: string): Promise<readonly ChangedFile[]> {
  const base = (await git("merge-base", "HEAD", head)).trim();
  const words = (await git("diff", "--raw", "-z", "--no-renames", "--no-ext-diff", base, head)).split("\0");
  const files: ChangedFile[] = [];
  for (let index = 0; index + 1 < words.length; index += 2) {
    const [modeBefore = "", mode = ""] = (words[index] ?? "").slice(1).split(" ");
    files.push({ path: words[index + 1] ?? "", modeBefore, mode });
  }
  return files;
}

async function git(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await capture("git", args);
  if (code !== 0) throw new Error(`git ${args[0]} failed: ${stderr.trim()}`);
  return stdout;
}
