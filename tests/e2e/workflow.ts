/** Runs steps of the workflows in .github as their runner would: the same commands, environment, shell and folder. */

import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labCommand } from "../../lab/describe.ts";
import { repository, type Step, type Workflow, workflows } from "../pipelines/files.ts";
import { FakeGh } from "../pipelines/gh.ts";
import { type Files, Repository } from "../pipelines/git.ts";
import { labEnv, type Result } from "./lab.ts";
import type { Project } from "./project.ts";

export class Runner {
  readonly gh: FakeGh;
  /** Steps that were run, as "FILE ID". */
  readonly done = new Set<string>();
  readonly #project: Project;
  readonly #workflows: ReadonlyMap<string, Workflow>;
  /** For what a runner keeps outside of the checkout. */
  readonly #folder: string;
  /** The project's folder, in which main is checked out. */
  readonly #repository: Repository;
  /** The pull request's newest commit. */
  #head = "";

  private constructor(
    project: Project,
    repository: Repository,
    gh: FakeGh,
    files: ReadonlyMap<string, Workflow>,
    folder: string,
  ) {
    this.#project = project;
    this.#repository = repository;
    this.gh = gh;
    this.#workflows = files;
    this.#folder = folder;
  }

  static async create(project: Project): Promise<Runner> {
    await checkOut(project.dir);
    const folder = await mkdtemp(join(tmpdir(), "runner-"));
    const gitRepository = await Repository.create({}, project.dir);
    return new Runner(project, gitRepository, await FakeGh.create(), await workflows(), folder);
  }

  /** The secret SSH_KEY of the environments. @default none: the configuration has a key */
  sshKey = "";

  /** What the steps added to the job's summary. */
  get summaryFile(): string {
    return join(this.#folder, "summary.md");
  }

  /** What the stack file says now, and `more`, become a pull request; checked out is main's again. */
  async propose(more: Files = {}): Promise<void> {
    const text = await readFile(this.#project.stackFile, "utf8");
    await this.#repository.git("checkout", "-q", "--", ".");
    this.#head = await this.#repository.branch({ [`Pulumi.${this.#project.stack}.yaml`]: text, ...more });
  }

  /** As a job does that runs the pull request's own code; then main's is checked out again. */
  async withItsCode<T>(work: () => Promise<T>): Promise<T> {
    await this.#repository.git("checkout", "-q", "--force", this.#head);
    try {
      return await work();
    } finally {
      await this.#repository.git("checkout", "-q", "--force", "main");
    }
  }

  /** What the folder holds now becomes main's. */
  async merge(): Promise<void> {
    await this.#repository.commit({});
  }

  /** What a step said last in the job's outputs. */
  async output(name: string): Promise<string | undefined> {
    const lines = (await readFile(join(this.#folder, "outputs"), "utf8")).split("\n");
    return lines.findLast((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  }

  /** The steps of these ids, one after the other, up to the first that fails. Returns what the last one said. */
  async run(file: string, ...ids: readonly string[]): Promise<Result> {
    let result: Result = { code: 0, stdout: "", stderr: "", all: "" };
    for (const id of ids) {
      result = await this.step(file, id);
      if (result.code !== 0) break;
    }
    return result;
  }

  /** One step; `cancel` ends it as a runner does when its output has a line that matches. */
  async step(file: string, id: string, cancel?: RegExp): Promise<Result> {
    const { step, settings } = this.#find(file, id);
    this.done.add(`${file} ${id}`);
    const script = join(this.#folder, "step.sh");
    await writeFile(script, step.run ?? "");
    const words = Object.entries({ ...this.#ownEnv(), ...settings }).map((pair) => pair.join("="));
    // the lab's own settings of pulumi do not count here: the workflow brings them
    const without = ["PULUMI_STACK", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"];
    const start = ["exec", "env", ...without.flatMap((name) => ["-u", name]), ...words];
    const env = { ...labEnv, PATH: `${this.gh.folder}:${process.env.PATH}` };
    const options = { cwd: this.#project.dir, env };
    return runIn(options, [...start, "bash", "-euo", "pipefail", script], cancel);
  }

  async dispose(): Promise<void> {
    await this.gh.dispose();
    await rm(this.#folder, { recursive: true });
  }

  #find(file: string, id: string) {
    for (const { env: ofJob = {}, steps } of Object.values(this.#workflows.get(file)?.jobs ?? {})) {
      const step: Step | undefined = steps.find((each) => each.id === id);
      if (step) return { step, settings: this.#evaluate({ ...ofJob, ...step.env }) };
    }
    throw new Error(`${file} has no step ${id}`);
  }

  /** What GitHub puts in place of expressions. */
  #evaluate(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const values: Readonly<Record<string, string>> = {
      "github.event.pull_request.head.sha": this.#head,
      "github.event.pull_request.number": "7",
      "github.event.repository.default_branch": "main",
      "github.repository": "example/etcd",
      "github.token": "token",
      "join(fromJSON(vars.STACKS), ' ')": this.#project.stack,
      "matrix.stack": this.#project.stack,
      "needs.security.result": "success",
      "secrets.PULUMI_CONFIG_PASSPHRASE": "lab",
      "secrets.SSH_KEY": this.sshKey,
      "vars.ATTESTED": "",
      "vars.OMIT": "",
      "vars.PULUMI_BACKEND_URL": `file://${labEnv.LAB_DIR}/state?metadata=skip`,
    };
    const valueFor = (expression: string) => {
      const value = values[expression];
      if (value === undefined) throw new Error(`the test has no value for \${{ ${expression} }}`);
      return value;
    };
    const filled = (text: string) =>
      text.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, name: string) => valueFor(name));
    return Object.fromEntries(Object.entries(env).map(([name, text]) => [name, filled(text)]));
  }

  /** What a runner has of its own. The agent's socket is a stale one: steps have to do without. */
  #ownEnv(): Readonly<Record<string, string>> {
    return {
      FOLDER: this.gh.folder,
      GITHUB_OUTPUT: join(this.#folder, "outputs"),
      GITHUB_SHA: "abc",
      GITHUB_STEP_SUMMARY: this.summaryFile,
      SSH_AUTH_SOCK: "/nowhere/agent",
    };
  }
}

/** Real files in place of links, for `npm run` works in the folder that its own files are really in. */
async function checkOut(folder: string): Promise<void> {
  const left = [".git", "node_modules"];
  for (const entry of await readdir(repository)) {
    if (left.includes(entry) || /^Pulumi\..+\.yaml$/.test(entry)) continue;
    await rm(join(folder, entry), { force: true });
    await cp(join(repository, entry), join(folder, entry), { recursive: true });
  }
}

function runIn(
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  args: readonly string[],
  cancel?: RegExp,
): Promise<Result> {
  const child = spawn(labCommand, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    let cancelled = false;
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk;
      if (cancelled || !cancel?.test(stdout)) return;
      cancelled = child.kill("SIGTERM");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (cancel && !cancelled) reject(new Error(`it ended before ${cancel}: ${stdout}${stderr}`));
      else resolve({ code: code ?? 128, stdout, stderr, all: stdout + stderr });
    });
  });
}
