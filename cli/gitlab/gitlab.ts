// npm run gitlab: shows plans in merge requests, fetches them after the merge, opens issues with what verify printed, and
// merge requests with what pin wrote.
// For .gitlab-ci.yml: reads GitLab's CI variables, and the access token in GITLAB_TOKEN.
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { argv, exit } from "node:process";
import { list as array, record } from "../../lib/json.ts";
import { printable } from "../../lib/printable.ts";
import { commentOn, planIn } from "../pipeline/artifact.ts";
import { terminal } from "../plan/terminal.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { call, type Item, indented, list, request, variable } from "./api.ts";
import { propose } from "./propose.ts";

const AGAIN = "send an empty commit through a merge request";
const PLAN_FILES = ["pulumi.json", "plan.json", "plan.md"];

/** For GitLab a line that begins with a slash is a command of whoever wrote it. */
function withoutQuickActions(text: string): string {
  return text.replaceAll(/^(?=[^\S\n]*\/)/gm, "\u200b");
}

/** The note begins with an invisible line, and is this token's own: whoever may comment can begin with the same one. */
async function note(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => undefined)) === undefined)
    throw new Error(
      `There is no plan in ${folder}: if this merge request brings code, play the job code-plan, then run this one again.`,
    );
  const plan = withoutQuickActions(await commentOn(folder));
  const { id: own } = record(await (await call("user")).json());
  const mark = `<!-- etcd plan: ${variable("STACK")} -->`;
  const body = `${mark}\n${plan}`;
  const notes = `merge_requests/${variable("CI_MERGE_REQUEST_IID")}/notes`;
  const found = await list(`${notes}?per_page=100&sort=asc`);
  const last = found.find(({ author, body }) => record(author).id === own && String(body).startsWith(mark));
  if (last === undefined) await request(notes, "POST", { body });
  else await request(`${notes}/${last.id}`, "PUT", { body });
}

/** The merge request that put a commit on the protected branch: not one that only contains it. */
async function mergedBy(commit: string): Promise<Item> {
  const merged = (await list(`repository/commits/${commit}/merge_requests`)).find(
    ({ state, target_branch, merge_commit_sha, squash_commit_sha, sha }) =>
      state === "merged" &&
      target_branch === variable("CI_DEFAULT_BRANCH") &&
      [merge_commit_sha, squash_commit_sha, sha].includes(commit),
  );
  if (merged !== undefined) return merged;
  throw new Error(
    `Commit ${commit} is no merge of a merge request, so nobody saw a plan for it: ${AGAIN}, or run 'npm run up' by hand.`,
  );
}

/** The newest pipeline of the head that was merged, in this project: not a fork's, and not a branch's own. */
async function pipelineOf({ iid, sha }: Item): Promise<Item | undefined> {
  const [newest] = (await list(`merge_requests/${iid}/pipelines`)).filter(
    ({ project_id, source }) =>
      String(project_id) === variable("CI_PROJECT_ID") && source === "merge_request_event",
  );
  if (newest === undefined || newest.sha === sha) return newest;
  // One of merged results runs for a commit that GitLab makes from the head.
  const { parent_ids: parents } = record(await (await request(`repository/commits/${newest.sha}`)).json());
  return array(parents).includes(sha) ? newest : undefined;
}

async function downloadPlan(directory: string): Promise<void> {
  const stack = variable("STACK");
  const merged = await mergedBy(variable("CI_COMMIT_SHA"));
  const pipeline = await pipelineOf(merged);
  const jobs =
    pipeline === undefined ? [] : await list(`pipelines/${pipeline.id}/jobs?scope=success&per_page=100`);
  const names = [`plan: [${stack}]`, `code-plan: [${stack}]`];
  const job = jobs.find(({ name }) => names.includes(String(name)));
  if (job === undefined)
    throw new Error(
      `There is no accepted plan of ${stack} for merge request !${merged.iid}: ${AGAIN}, and merge it when its plan is green.`,
    );
  await mkdir(directory, { recursive: true });
  for (const file of PLAN_FILES) {
    const answer = await request(`jobs/${job.id}/artifacts/plan-${stack}/${file}`);
    await writeFile(join(directory, file), Buffer.from(await answer.arrayBuffer()));
  }
  console.log(`The plan of ${stack} for merge request !${merged.iid} is in ${directory}:\n`);
  console.log(terminal(await planIn(directory), Date.now()));
}

async function result(name: string): Promise<void> {
  const jobs = await list(`pipelines/${variable("CI_PIPELINE_ID")}/jobs?per_page=100`);
  console.log(jobs.find((job) => job.name === name)?.status ?? "missing");
}

async function issue(file: string): Promise<void> {
  const stack = variable("STACK");
  const title = `Hosts of ${stack} differ from what is declared`;
  const said = indented(await readFile(file, "utf8"));
  const body = `\`npm run verify -- --stack ${stack}\` says:\n\n${said}\n\nFix it with a merge request that does what its last line says.`;
  const found = await list(`issues?state=opened&in=title&search=${encodeURIComponent(title)}`);
  const open = found.find((one) => one.title === title);
  if (open === undefined) await request("issues", "POST", { title, description: body });
  else await request(`issues/${open.iid}/notes`, "POST", { body });
}

const works = new Map([
  ["note", note],
  ["download-plan", downloadPlan],
  ["result", result],
  ["issue", issue],
  ["propose", propose],
]);

const [name = "", path = ""] = callOrExit(commands.gitlab, argv.slice(2)).words;
try {
  await works.get(name)?.(path);
} catch (error) {
  console.error(printable(error instanceof Error ? error.message : String(error)));
  exit(1);
}
