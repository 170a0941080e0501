/** A Pulumi project folder as a user has one: this program, and a stack file that a test may edit. */

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseDocument } from "yaml";
import { labCommand } from "../../lab/describe.ts";
import { writeEc2Stack } from "../../lab/ec2/stack.ts";
import { OWN_ARCHIVES, writeLabStack } from "../../lab/stack.ts";
import { labEnv, must, type Result, run, target } from "./lab.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** One resource of a preview. */
export interface PlannedStep {
  readonly op: string;
  readonly urn: string;
  readonly name: string;
  readonly type: string;
  readonly oldState?: { readonly inputs?: Record<string, unknown> };
  readonly newState?: { readonly inputs?: Record<string, unknown> };
}

/** Writes a stack file for what the lab has. */
export type StackWriter = (file: string) => Promise<void>;

const stackWriter: StackWriter =
  target === "aws" ? (file) => writeOneZone(file) : (file) => writeLabStack(file);

export class Project {
  readonly dir: string;
  readonly stack: string;
  readonly #writeStack: StackWriter;

  private constructor(dir: string, stack: string, writeStack: StackWriter) {
    this.dir = dir;
    this.stack = stack;
    this.#writeStack = writeStack;
  }

  /** A new stack, for the hosts that the lab has up if nothing else is said. */
  static async create(
    stack: string,
    config: Readonly<Record<string, unknown>> = {},
    writeStack = stackWriter,
  ): Promise<Project> {
    const project = await Project.#make(stack, config, writeStack);
    await must(project.pulumi("stack", "init", stack));
    return project;
  }

  /** The stack of a saved lab that was loaded: what `create` would return if it had been made here. */
  static async loaded(stack: string, config: Readonly<Record<string, unknown>>): Promise<Project> {
    const project = await Project.#make(stack, config, stackWriter);
    const { checkpoint } = JSON.parse(await project.stateText());
    const document = parseDocument(await readFile(project.stackFile, "utf8"));
    document.set("encryptionsalt", checkpoint.latest.secrets_providers.state.salt); // as `stack init` had written it
    await writeFile(project.stackFile, document.toString({ lineWidth: 0 }));
    return project;
  }

  /** The same folder after `pulumi stack rename`, which renames the stack file too. */
  renamed(stack: string): Project {
    return new Project(this.dir, stack, this.#writeStack);
  }

  static async #make(
    stack: string,
    config: Readonly<Record<string, unknown>>,
    writeStack: StackWriter,
  ): Promise<Project> {
    const dir = await mkdtemp(join(tmpdir(), `etcd-e2e-${stack}-`));
    for (const entry of await readdir(repository)) {
      if (!entry.startsWith(".") && !/^Pulumi\..+\.yaml$/.test(entry)) {
        await symlink(join(repository, entry), join(dir, entry));
      }
    }
    const project = new Project(dir, stack, writeStack);
    await project.refresh();
    // without what is on in Pulumi.dev.yaml and is the subject of few tests
    await project.configure({ backup: { interval: "off" }, maintenance: { defragment: "off" }, ...config });
    return project;
  }

  /** The lab's keys again: an archive that was built meanwhile is known then. */
  async refresh(): Promise<void> {
    await withLabEnv(() => this.#writeStack(this.stackFile));
  }

  get stackFile(): string {
    return join(this.dir, `Pulumi.${this.stack}.yaml`);
  }

  /** Sets keys of the stack file; `undefined` removes one. The lab's own archives stay allowed. */
  async configure(config: Readonly<Record<string, unknown>>): Promise<void> {
    const document = parseDocument(await readFile(this.stackFile, "utf8"));
    const { allow } = config;
    const words = "allow" in config ? { allow: [...(Array.isArray(allow) ? allow : []), OWN_ARCHIVES] } : {};
    for (const [key, value] of Object.entries({ ...config, ...words })) {
      if (value === undefined) document.deleteIn(["config", `etcd:${key}`]);
      else document.setIn(["config", `etcd:${key}`], document.createNode(value));
    }
    await writeFile(this.stackFile, document.toString({ lineWidth: 0 }));
  }

  /** One key as the stack file has it. */
  async configured(key: string): Promise<unknown> {
    return parse(await readFile(this.stackFile, "utf8")).config[`etcd:${key}`];
  }

  /** Changes one node of the stack file. */
  async configureNode(name: string, change: Readonly<Record<string, unknown>>): Promise<void> {
    const nodes = await this.configured("nodes");
    if (!Array.isArray(nodes)) throw new Error("the stack file names no nodes");
    await this.configure({
      nodes: nodes.map((node) => (node.name === name ? { ...node, ...change } : node)),
    });
  }

  /** `pulumi ARGS…` in this folder, as typed by hand inside `lab exec`. */
  pulumi(...args: string[]): Promise<Result> {
    const command = ["exec", "pulumi", "-C", this.dir, ...args, "--non-interactive", "--color=never"];
    return run(labCommand, command, this.env);
  }

  get env(): NodeJS.ProcessEnv {
    return { ...labEnv, LAB_STACK: this.stack };
  }

  up(...args: string[]): Promise<Result> {
    return this.pulumi("up", "--yes", "--skip-preview", ...args);
  }

  /**
   * An `up` that gets a signal when its output has a line that matches, or so many milliseconds later; resolves when
   * it has ended. Only the CLI gets it, so what it started goes on as it does when a machine loses its operator.
   */
  interrupt(signal: NodeJS.Signals, when: RegExp, laterMs = 0, ...more: string[]): Promise<Result> {
    const args = ["exec", "pulumi", "-C", this.dir, "up", "--yes", "--skip-preview", "--non-interactive"];
    const child = spawn(labCommand, [...args, "--color=never", ...more], {
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new Promise((resolve, reject) => {
      let stdout = "";
      let stderr = "";
      let seen = false;
      let sent = false;
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk;
        if (seen || !when.test(stdout)) return;
        seen = true;
        const send = () => {
          sent = child.kill(signal);
        };
        if (laterMs === 0) send();
        else setTimeout(send, laterMs);
      });
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk;
      });
      child.on("error", reject);
      // not "close": what the CLI started may hold its output open for long
      child.on("exit", (code) => {
        if (!sent) reject(new Error(`the up ended before ${laterMs} ms after ${when}: ${stdout}${stderr}`));
        else resolve({ code: code ?? 128, stdout, stderr, all: stdout + stderr });
      });
    });
  }

  destroy(...args: string[]): Promise<Result> {
    return this.pulumi("destroy", "--yes", "--skip-preview", ...args);
  }

  /** What `pulumi up` would do: the resources that are not left as they are. */
  async preview(): Promise<readonly PlannedStep[]> {
    const { stdout } = await must(this.pulumi("preview", "--json"));
    const { steps } = JSON.parse(stdout.slice(stdout.indexOf("{")));
    return steps
      .map((step: Omit<PlannedStep, "name" | "type">) => ({
        ...step,
        name: step.urn.split("::").at(-1) ?? "",
        type: step.urn.split("::").at(-2)?.split("$").at(-1) ?? "",
      }))
      .filter((step: PlannedStep) => step.op !== "same" && step.op !== "read");
  }

  async output(name: string): Promise<unknown> {
    const { stdout } = await must(this.pulumi("stack", "output", name, "--json", "--show-secrets"));
    return JSON.parse(stdout);
  }

  /** Puts an edited export of the state back. */
  async importState(text: string): Promise<Result> {
    const file = join(this.dir, "state.json");
    await writeFile(file, text);
    return this.pulumi("stack", "import", "--file", file);
  }

  /** The state as it lies on disk. */
  async stateText(): Promise<string> {
    return readFile(join(String(labEnv.LAB_DIR), `state/.pulumi/stacks/etcd/${this.stack}.json`), "utf8");
  }

  async dispose(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** node1 to node3 on the hosts 1 to 3, as files expect that know of no target. */
function writeOneZone(file: string): Promise<void> {
  return writeEc2Stack(3, file, { zones: 1 });
}

/** `lab/stack.ts` finds its lab by the environment of the process. */
async function withLabEnv(work: () => Promise<void>): Promise<void> {
  process.env.LAB_NAME = labEnv.LAB_NAME;
  process.env.LAB_DIR = labEnv.LAB_DIR;
  await work();
}

/** The numbers at the end of an update, by operation: `{ created: 70 }`. */
export function counts(result: Result): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [, count, operation] of result.stdout.matchAll(
    /^ {4}[+~\-= ]*(\d+) (created|updated|replaced|deleted|unchanged)/gm,
  )) {
    if (operation !== undefined) numbers[operation] = Number(count);
  }
  return numbers;
}
