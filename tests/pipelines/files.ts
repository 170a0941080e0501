// The pipelines' files, as tests read them.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";

export const repository = join(import.meta.dirname, "../..");

export interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string | number | boolean>>;
}

export interface Job {
  readonly if?: string;
  readonly "runs-on": string | readonly string[];
  readonly "timeout-minutes"?: number;
  readonly environment?: string;
  readonly needs?: string | readonly string[];
  readonly strategy?: { readonly "fail-fast": boolean; readonly matrix: Readonly<Record<string, string>> };
  readonly outputs?: Readonly<Record<string, string>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: {
    readonly group: string;
    readonly "cancel-in-progress": boolean;
    readonly queue?: string;
  };
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

export interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly defaults?: { readonly run: { readonly shell: string } };
  readonly jobs: Readonly<Record<string, Job>>;
}

/** GitHub's workflows, by the name of their file. */
export async function workflows(): Promise<ReadonlyMap<string, Workflow>> {
  const folder = join(repository, ".github/workflows");
  const found = new Map<string, Workflow>();
  for (const file of (await readdir(folder)).sort())
    found.set(file, parse(await readFile(join(folder, file), "utf8")));
  return found;
}

export interface GitlabJob {
  readonly stage?: string;
  readonly extends?: string | readonly string[];
  readonly before_script?: readonly string[];
  readonly script: readonly string[];
  readonly rules?: readonly {
    readonly if: string;
    readonly when?: string;
    readonly allow_failure?: boolean;
  }[];
  readonly id_tokens?: Readonly<Record<string, { readonly aud: string }>>;
  readonly allow_failure?: { readonly exit_codes: readonly number[] };
  readonly resource_group?: string;
  readonly interruptible?: boolean;
  readonly timeout?: string;
  readonly environment?: string | { readonly name: string; readonly action: string };
  readonly tags?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly artifacts?: { readonly expire_in: string; readonly access: string };
}

export async function gitlabJob(name: string): Promise<GitlabJob> {
  return parse(await readFile(join(repository, ".gitlab-ci.yml"), "utf8"))[name];
}

/** An `npm run` in a pipeline. */
export interface Call {
  readonly script: string;
  readonly args: readonly string[];
}

export function npmCalls(shell: string): readonly Call[] {
  return [...shell.matchAll(/npm run (?:--silent )?([\w:-]+)(?: -- (.*))?/g)].map(
    ([, script = "", args = ""]) => ({
      script,
      args: args
        .replace(/ (\d?>|\|).*/, "") // what is done with its output
        .split(" ")
        .map((word) => word.replaceAll(/[")]/g, ""))
        .filter((word) => word !== ""),
    }),
  );
}
