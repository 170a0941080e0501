// The shipped program on the real engine, with hosts that only note what is asked of them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { Project, Result } from "../engine/project.ts";
import type { Call } from "../host/leaving.ts";
import { shippedProject } from "../policy/pack.ts";
import { clusterOf } from "../program/stacks.ts";

const run = promisify(execFile);

/** What is asked of a host, as the model of its calls has it. */
const CALLS: Readonly<Record<string, Call>> = {
  prepare: "+host",
  install: "+binaries",
  certificates: "+certificates",
  start: "+member",
  roll: "+member",
  stop: "-member",
  "remove-certificates": "-certificates",
  "remove-binaries": "-binaries",
  "remove-host": "-host",
};

const RECORDERS = {
  "pulumi-resource-command": "recorder.ts",
  "pulumi-resource-aws": "aws-recorder.ts",
} as const;

export class Operated {
  readonly project: Project;
  #urns: readonly string[] = [];

  private constructor(project: Project) {
    this.project = project;
  }

  /** A stack of three members that has been proven, on given machines if nothing else is said. */
  static async create(config: Readonly<Record<string, unknown>> = clusterOf(3)): Promise<Operated> {
    const shipped = await shippedProject(config);
    const bin = path.join(shipped.folder, "recorder");
    await run("mkdir", [bin]);
    await run("mkfifo", [path.join(bin, "started"), path.join(bin, "gate")]);
    for (const [plugin, file] of Object.entries(RECORDERS)) {
      const recorder = path.join(bin, plugin);
      const source = path.join(import.meta.dirname, file);
      await writeFile(recorder, `#!/bin/sh\nexec '${process.execPath}' '${source}' "$@"\n`);
      await chmod(recorder, 0o755);
    }
    const environment = { RECORDED: bin, PATH: `${bin}${path.delimiter}${shipped.environment.PATH}` };
    const operated = new Operated(shipped.under(environment));
    await operated.up();
    await operated.look();
    return operated;
  }

  async remove(): Promise<void> {
    await this.project.remove();
  }

  /** What was called by an `up`, in order, each as `node2-member start`. */
  async up(...options: string[]): Promise<readonly string[]> {
    return this.calls("up", "--yes", "--skip-preview", ...options);
  }

  async calls(...args: string[]): Promise<readonly string[]> {
    await this.forget();
    await this.project.succeed(...args);
    return this.noted();
  }

  /** What was called until it was refused, and what was said. */
  async refused(...args: string[]): Promise<{ calls: readonly string[]; text: string }> {
    await this.forget();
    const { code, text } = await this.project.pulumi(...args);
    assert.notEqual(code, 0, text);
    return { calls: await this.noted(), text };
  }

  /** Killed while this call is at work, which itself ends; what was called. */
  async killed(call: string, ...args: string[]): Promise<readonly string[]> {
    await this.forget();
    await writeFile(this.#file("hold"), call);
    const going = this.project.start(...args);
    const gone = once(going, "exit");
    await run("cat", [this.#file("started")], { timeout: 60_000 });
    going.kill("SIGKILL");
    await gone;
    await rm(this.#file("hold"));
    await run("sh", ["-c", ': >"$0"', this.#file("gate")], { timeout: 60_000 });
    await this.project.succeed("cancel", "--yes");
    return this.noted();
  }

  /** From now on every host refuses this, and nothing else. */
  async refuse(subcommand: string): Promise<void> {
    await writeFile(this.#file("refuse"), subcommand);
  }

  /** The program finds what it did, and nothing is left to do. */
  async unchanged(): Promise<void> {
    await this.project.succeed("preview", "--expect-no-changes");
  }

  /** `npm run COMMAND -- ARGS…`: its exit code, and what it printed. */
  async npm(command: string, ...args: string[]): Promise<Result> {
    const { folder, environment } = this.project;
    const options = { cwd: folder, env: environment };
    const words = [path.join("cli", command, `${command}.ts`), ...args];
    try {
      const { stdout, stderr } = await run(process.execPath, words, options);
      return { code: 0, text: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = Object(error);
      return { code: Number(code), text: `${stdout}${stderr}` };
    }
  }

  /** What the last run recorded as proven; nothing where that was lost. */
  async proven(): Promise<unknown> {
    return this.project.output("deployed");
  }

  /** Sets one setting of the stack. */
  async set(name: string, value: string): Promise<void> {
    await this.project.succeed("config", "set", name, value);
  }

  async look(): Promise<void> {
    this.#urns = (await this.project.resources()).map(({ urn }) => urn);
  }

  /** Of a resource that runs or is something: a component of the same name is not meant. */
  urn(name: string): string {
    const found = this.#urns.filter((urn) => urn.endsWith(`::${name}`) && !/[:$]etcd:\w+:\w+::/.test(urn));
    assert.equal(found.length, 1, `${name}: ${found.join(" ")}`);
    return found[0] ?? "";
  }

  /** Of a component, a provider or the stack itself. */
  urnOf(type: string, name: string): string {
    const found = this.#urns.filter((urn) => urn.endsWith(`${type}::${name}`));
    assert.equal(found.length, 1, `${type} ${name}`);
    return found[0] ?? "";
  }

  options(option: string, ...names: readonly string[]): string[] {
    return names.flatMap((name) => [option, this.urn(name)]);
  }

  async forget(): Promise<void> {
    await rm(this.#file("calls"), { force: true });
  }

  async noted(): Promise<readonly string[]> {
    const text = await readFile(this.#file("calls"), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  #file(name: string): string {
    return path.join(this.project.environment.RECORDED ?? "", name);
  }
}

/** Of one host's own steps, as the model has them. */
export function onHost(node: string, calls: readonly string[]): readonly Call[] {
  return calls.flatMap((call) => {
    const [name = "", subcommand = ""] = call.split(" ");
    const found = CALLS[subcommand];
    return name.startsWith(`${node}-`) && found !== undefined ? [found] : [];
  });
}
