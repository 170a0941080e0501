// A gh that notes what it is called with, and answers a question from a file, through the same query (jq's language)
// that gh would apply. The merged commit is "abc", the head of its pull request "def".
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const GH = `#!/bin/sh
printf '%s\\n' "$*" >>"$FOLDER/calls"
for word in "$@"; do
  case $last in
    --jq) query=$word ;;
    --body-file) cp "$word" "$FOLDER/body" ;;
    --dir) directory=$word ;;
  esac
  last=$word
done
case "$1 $2" in
  "api repos/{owner}/{repo}/commits/abc/pulls") answer=pulls ;;
  "api repos/{owner}/{repo}/actions/workflows/preview.yml/runs?head_sha=def&status=success") answer=runs ;;
  "issue list") answer=issues ;;
  "run download") test -e "$FOLDER/artifact" && cp -r "$FOLDER/artifact" "$directory" || exit 1 ;;
esac
[ -z "$answer" ] || jq -r "$query" "$FOLDER/$answer"
`;
export const MERGED = [
  { merged_at: null, head: { sha: "other" } },
  { merged_at: "2026-01-01", head: { sha: "def" } },
];
export const HERE = { head_repository: { id: 1 }, repository: { id: 1 } };

export class FakeGh {
  /** To be put on the PATH, and into the environment as FOLDER. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<FakeGh> {
    const folder = await mkdtemp(join(tmpdir(), "gh-"));
    await writeFile(join(folder, "gh"), GH);
    await chmod(join(folder, "gh"), 0o755);
    return new FakeGh(folder);
  }

  async answer(answers: Readonly<Record<string, unknown>>): Promise<void> {
    for (const [name, content] of Object.entries(answers))
      await writeFile(join(this.folder, name), JSON.stringify(content));
  }

  /** Takes a folder as the artifact of a run, as the action that uploads does. */
  async keep(artifact: string): Promise<void> {
    await rm(join(this.folder, "artifact"), { recursive: true, force: true });
    await cp(artifact, join(this.folder, "artifact"), { recursive: true });
  }

  async calls(): Promise<readonly string[]> {
    const text = await readFile(join(this.folder, "calls"), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  /** What the last call was given as `--body-file`. */
  body(): Promise<string> {
    return readFile(join(this.folder, "body"), "utf8");
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
