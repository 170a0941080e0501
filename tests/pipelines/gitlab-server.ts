// A server that answers as GitLab's API, and npm run gitlab in a job of its.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { planOf as planFrom, restarts } from "../cli/preview.ts";
import { repository } from "./files.ts";

const TOKEN = "glpat-not-a-token";
export const BOT = 11;
export const PLAN = planFrom({ changes: { "node1-member": restarts() } });
export const MERGE_REQUESTS = "/projects/7/repository/commits/abc/merge_requests";

export class Gitlab {
  readonly folder: string;
  /** What the server answers to GETs, by path. */
  answers: Record<string, unknown> = {};
  /** What was sent to it. */
  sent: { readonly call: string; readonly body: unknown }[] = [];
  readonly #server: Server;
  #url = "";

  private constructor(folder: string) {
    this.folder = folder;
    this.#server = createServer(async (request, response) => {
      const path = request.url ?? "";
      const body = await text(request);
      if (request.headers["private-token"] !== TOKEN) response.statusCode = 401;
      else if (request.method !== "GET")
        this.sent.push({ call: `${request.method} ${path}`, body: JSON.parse(body) });
      else if (!(path in this.answers)) response.statusCode = 404;
      const [first = "", page = "1"] = path.split("&page=");
      const next = String(Number(page) + 1);
      if (`${first}&page=${next}` in this.answers) response.setHeader("x-next-page", next);
      const answer = this.answers[path] ?? {};
      response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
    });
  }

  static async create(): Promise<Gitlab> {
    const gitlab = new Gitlab(await mkdtemp(join(tmpdir(), "gitlab-api-")));
    await new Promise<void>((resolve) => gitlab.#server.listen(0, "127.0.0.1", resolve));
    const address = gitlab.#server.address();
    assert.ok(typeof address === "object" && address !== null);
    gitlab.#url = `http://127.0.0.1:${address.port}`;
    return gitlab;
  }

  /** For the next test: it knows its bot and nothing else, and nothing was sent to it. */
  forget(): void {
    this.sent = [];
    this.answers = { "/user": { id: BOT } };
  }

  async dispose(): Promise<void> {
    this.#server.close();
    await rm(this.folder, { recursive: true });
  }

  pipelines(sha: string, source: string): void {
    this.answers["/projects/7/merge_requests/3/pipelines"] = [
      { id: 10, project_id: 8, sha, source: "merge_request_event" }, // a fork's
      { id: 9, project_id: 7, sha, source },
      { id: 8, project_id: 7, sha: "older", source },
    ];
  }

  planOf(state: string, status: string, job = "plan: [dev]"): void {
    this.answers[MERGE_REQUESTS] = mergedAs(state);
    this.pipelines("def", "merge_request_event");
    this.answers["/projects/7/pipelines/9/jobs?scope=success&per_page=100"] =
      status === "success"
        ? [
            { id: 20, name: "plan: [other]" },
            { id: 21, name: job },
          ]
        : [];
    for (const name of ["pulumi.json", "plan.md"])
      this.answers[`/projects/7/jobs/21/artifacts/plan-dev/${name}`] = `the ${name}`;
    this.answers["/projects/7/jobs/21/artifacts/plan-dev/plan.json"] = PLAN;
  }

  /** A folder as npm run plan saves one, but for its comment. */
  async savedPlan(plan = PLAN): Promise<string> {
    const saved = join(this.folder, "saved");
    await rm(saved, { recursive: true, force: true });
    await mkdir(saved);
    await writeFile(join(saved, "plan.json"), JSON.stringify(plan));
    return saved;
  }

  async file(name: string, content: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content);
    return path;
  }

  async run(command: string, path?: string, settings: Readonly<Record<string, string>> = {}) {
    const env = {
      CI_API_V4_URL: this.#url,
      CI_PROJECT_ID: "7",
      CI_MERGE_REQUEST_IID: "3",
      CI_COMMIT_SHA: "abc",
      CI_DEFAULT_BRANCH: "main",
      CI_PIPELINE_ID: "30",
      STACK: "dev",
      GITLAB_TOKEN: TOKEN,
      ...settings,
    };
    const args = [join(repository, "cli/gitlab/gitlab.ts"), command, ...(path === undefined ? [] : [path])];
    return await new Promise<{ code: number; said: string }>((resolve) =>
      execFile(process.execPath, args, { env, cwd: this.folder }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === "number" ? error.code : 0, said: stdout + stderr }),
      ),
    );
  }
}

export function mergedAs(state: string) {
  return [{ iid: 3, state, target_branch: "main", merge_commit_sha: "abc", sha: "def" }];
}
