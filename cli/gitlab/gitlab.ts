// npm run gitlab: shows plans in merge requests, fetches them after the merge, opens issues with what verify printed.
// For .gitlab-ci.yml: reads GitLab's CI variables, and the access token in GITLAB_TOKEN.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { argv, env, exit } from "node:process";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";

const AGAIN = "send an empty commit through a merge request";
const PLAN_FILES = ["pulumi.json", "plan.json", "plan.md"];

type Item = Readonly<Record<string, unknown>>;

function variable(name: string): string {
  const value = env[name];
  if (!value)
    throw new Error(`${name} is not set: this command is for .gitlab-ci.yml, see docs/pipelines.md`);
  return value;
}

/** One request to the project's API. */
async function request(path: string, method = "GET", body?: Item): Promise<Response> {
  const url = `${variable("CI_API_V4_URL")}/projects/${variable("CI_PROJECT_ID")}/${path}`;
  const headers = { "PRIVATE-TOKEN": variable("GITLAB_TOKEN"), "Content-Type": "application/json" };
  const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  if (!response.ok) throw new Error(`GitLab answered ${response.status} to ${method} ${path}`);
  return response;
}

async function list(path: string): Promise<readonly Item[]> {
  const answer: unknown = await (await request(path)).json();
  return Array.isArray(answer) ? answer : [];
}

/** The note begins with an invisible line that only it has. */
async function note(file: string): Promise<void> {
  const mark = `<!-- plan of ${variable("STACK")} -->`;
  const body = `${mark}\n${await readFile(file, "utf8")}`;
  const notes = `merge_requests/${variable("CI_MERGE_REQUEST_IID")}/notes`;
  const found = await list(`${notes}?per_page=100&sort=asc`);
  const last = found.find((one) => String(one.body).startsWith(mark));
  if (last === undefined) await request(notes, "POST", { body });
  else await request(`${notes}/${last.id}`, "PUT", { body });
}

async function downloadPlan(directory: string): Promise<void> {
  const commit = variable("CI_COMMIT_SHA");
  const merged = (await list(`repository/commits/${commit}/merge_requests`)).find(
    ({ state }) => state === "merged",
  );
  if (merged === undefined)
    throw new Error(
      `Commit ${commit} came without a merge request, so nobody saw a plan for it: ${AGAIN}, or run 'npm run up' by hand.`,
    );
  const pipelines = await list(`merge_requests/${merged.iid}/pipelines`);
  const newest = pipelines.find(({ project_id }) => String(project_id) === variable("CI_PROJECT_ID")); // not a fork's
  const jobs = newest === undefined ? [] : await list(`pipelines/${newest.id}/jobs?scope=success`);
  const job = jobs.find(({ name }) => name === "plan");
  if (job === undefined)
    throw new Error(
      `There is no accepted plan for merge request !${merged.iid}: ${AGAIN}, and merge it when its plan is green.`,
    );
  await mkdir(directory, { recursive: true });
  for (const file of PLAN_FILES) {
    const answer = await request(`jobs/${job.id}/artifacts/plan/${file}`);
    await writeFile(join(directory, file), Buffer.from(await answer.arrayBuffer()));
  }
  console.log(`The plan of merge request !${merged.iid} is in ${directory}.`);
}

async function issue(file: string): Promise<void> {
  const stack = variable("STACK");
  const title = `Hosts of ${stack} differ from what is declared`;
  const said = (await readFile(file, "utf8")).replace(/^/gm, "    "); // what hosts say cannot end an indented block
  const body = `\`npm run verify -- --stack ${stack}\` says:\n\n${said}\n\nFix it with a merge request that does what its last line says.`;
  const found = await list(`issues?state=opened&in=title&search=${encodeURIComponent(title)}`);
  const open = found.find((one) => one.title === title);
  if (open === undefined) await request("issues", "POST", { title, description: body });
  else await request(`issues/${open.iid}/notes`, "POST", { body });
}

const works = new Map([
  ["note", note],
  ["download-plan", downloadPlan],
  ["issue", issue],
]);

const [name = "", path = ""] = callOrExit(commands.gitlab, argv.slice(2)).words;
try {
  await works.get(name)?.(path);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  exit(1);
}
