// A gh that notes what it is called with, and answers a question from a file, through the same query (jq's language)
// that gh would apply. The merged commit is "abc", the head of its pull request, number 7, "def".
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const GH = `#!/bin/sh
printf '%s\\n' "$*" >>"$FOLDER/calls"
for word in "$@"; do
  case $last in
    --jq) query=$word ;;
    --body-file) cp "$word" "$FOLDER/body" ;;
    --field) cp "\${word#body=@}" "$FOLDER/body" ;;
    --dir) directory=$word ;;
    --method) method=$word ;;
  esac
  case $word in repos/*) path=\${word#'repos/{owner}/{repo}/'} ;; esac
  last=$word
done
case "$1 $2 $method" in
  "issue list ") answer=issues ;;
  "run download ") test -e "$FOLDER/artifact" && mkdir -p "$directory" && cp -r "$FOLDER/artifact/." "$directory" || exit 1 ;;
  "attestation verify ") cp "$3" "$FOLDER/signed" && test ! -e "$FOLDER/unsigned" || exit 1 ;;
  "api "*" ")
    case $path in
      commits/abc/pulls) answer=pulls ;;
      "actions/artifacts?name=plan-"*"-def&per_page=100") answer=artifacts ;;
      actions/runs/*) answer=run-\${path##*/} ;;
      "issues/7/comments?per_page=100") answer=comments ;;
    esac ;;
esac
[ -z "$answer" ] || jq -r "$query" "$FOLDER/$answer"
`;
const base = { ref: "main", repo: { default_branch: "main" } };
export const MERGED = [
  { merged_at: null, merge_commit_sha: "abc", base, head: { sha: "other" } },
  { merged_at: "2026-01-01", merge_commit_sha: "abc", base, head: { sha: "def" } },
];
/** Of the protected branch's preview, by whose account it is in the artifacts. */
export const RUN = {
  event: "pull_request_target",
  conclusion: "success",
  path: ".github/workflows/preview.yml@refs/heads/main",
  head_repository: { id: 1 },
  repository: { id: 1 },
};
/** Artifacts of one name, each of the run with this id. */
export const artifactsOf = (...ids: readonly number[]) => ({
  artifacts: ids.map((id) => ({ expired: false, workflow_run: { id } })),
});

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

  /** What the signature that was asked for would be of. */
  signed(): Promise<string> {
    return readFile(join(this.folder, "signed"), "utf8");
  }

  /** What the last call was given as a body in a file. */
  body(): Promise<string> {
    return readFile(join(this.folder, "body"), "utf8");
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
