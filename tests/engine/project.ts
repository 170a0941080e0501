// A throw-away Pulumi project with a file backend, run by the real CLI that lab/engine/find.ts gives.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { findEngine } from "../../lab/engine/find.ts";

const repository = path.resolve(import.meta.dirname, "../..");

const PREAMBLE = `
import * as pulumi from "@pulumi/pulumi";
import { local, remote } from "@pulumi/command";
import * as tls from "@pulumi/tls";
const connection = JSON.parse(process.env.CONNECTION ?? "{}");
`;

export interface Resource {
  urn: string;
  type: string;
  id?: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

export interface Step {
  op: string;
  urn: string;
  oldState?: Resource;
  newState?: Resource;
  detailedDiff?: Record<string, { kind: string; inputDiff: boolean }>;
}

export interface Result {
  code: number;
  /** What it printed, standard output and error together. */
  text: string;
}

export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";

export class Project {
  readonly folder: string;
  readonly environment: Record<string, string>;

  private constructor(folder: string, environment: Record<string, string>) {
    this.folder = folder;
    this.environment = environment;
  }

  static async create(extra: Record<string, string> = {}): Promise<Project> {
    const { bin } = await findEngine(() => {});
    const folder = await mkdtemp(path.join(os.tmpdir(), "engine-test-"));
    await mkdir(path.join(folder, "state"));
    await symlink(path.join(repository, "node_modules"), path.join(folder, "node_modules"));
    await writeFile(path.join(folder, "package.json"), '{"type": "module"}');
    await writeFile(
      path.join(folder, "Pulumi.yaml"),
      "name: conformance\nruntime: {name: nodejs, options: {typescript: false}}\nmain: index.ts\n",
    );
    const { SSH_AUTH_SOCK: _agent, ...inherited } = process.env;
    const project = new Project(folder, {
      ...Object.fromEntries(
        Object.entries(inherited).flatMap(([key, value]) => (value ? [[key, value]] : [])),
      ),
      PATH: [bin, path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
      PULUMI_HOME: path.join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "conformance",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      ...extra,
    });
    await project.succeed("stack", "init", "test");
    return project;
  }

  /** The same project under other settings, as in another shell; undefined takes a setting away. */
  under(settings: Record<string, string | undefined>): Project {
    const all = Object.entries({ ...this.environment, ...settings });
    return new Project(
      this.folder,
      Object.fromEntries(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    );
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async write(program: string): Promise<void> {
    await writeFile(path.join(this.folder, "index.ts"), PREAMBLE + program);
  }

  async pulumi(...args: string[]): Promise<Result> {
    const options = { cwd: this.folder, env: this.environment, maxBuffer: 1 << 26, timeout: 120_000 };
    return await new Promise((resolve) => {
      execFile(
        "pulumi",
        ["--non-interactive", "--color", "never", ...args],
        options,
        (error, stdout, stderr) => {
          resolve({
            code: error === null ? 0 : typeof error.code === "number" ? error.code : -1,
            text: stdout + stderr,
          });
        },
      );
    });
  }

  async succeed(...args: string[]): Promise<string> {
    const { code, text } = await this.pulumi(...args);
    assert.equal(code, 0, `pulumi ${args.join(" ")} failed:\n${text}`);
    return text;
  }

  /** Deploys a program; what the engine printed. */
  async up(program?: string): Promise<string> {
    if (program !== undefined) await this.write(program);
    return await this.succeed("up", "--yes", "--skip-preview");
  }

  async failToUp(program: string): Promise<string> {
    await this.write(program);
    const { code, text } = await this.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0, `pulumi up was expected to fail:\n${text}`);
    return text;
  }

  /** What a deployment of a program would do. */
  async preview(program: string): Promise<Step[]> {
    await this.write(program);
    const text = await this.succeed("preview", "--json", "--show-sames");
    const parsed: { steps: Step[] } = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
    return parsed.steps;
  }

  async resources(...args: string[]): Promise<Resource[]> {
    const parsed: { deployment: { resources?: Resource[] } } = JSON.parse(
      await this.succeed("stack", "export", ...args),
    );
    return parsed.deployment.resources ?? [];
  }

  /** One resource of the state as it is stored, secrets encrypted. */
  async resource(name: string): Promise<Resource> {
    return named(await this.resources(), name);
  }

  async output(name: string): Promise<unknown> {
    const outputs: Record<string, unknown> = JSON.parse(
      await this.succeed("stack", "output", "--json", "--show-secrets"),
    );
    return outputs[name];
  }

  async editState(edit: (state: string) => string): Promise<void> {
    const file = path.join(this.folder, "edited.json");
    await writeFile(file, edit(await this.succeed("stack", "export")));
    await this.succeed("stack", "import", "--file", file);
  }

  /** A deployment that goes on while the test looks at it. */
  start(...args: string[]) {
    return spawn("pulumi", ["--non-interactive", "--color", "never", ...args], {
      cwd: this.folder,
      env: this.environment,
    });
  }
}

export function named<T extends { urn: string }>(items: T[], name: string): T {
  const found = items.filter(({ urn }) => urn.endsWith(`::${name}`));
  const [first] = found;
  if (found.length !== 1 || first === undefined) {
    assert.fail(`${found.length} resources ${name} among ${items.map(({ urn }) => urn).join(", ")}`);
  }
  return first;
}

export function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && SECRET_SIGNATURE in value;
}
