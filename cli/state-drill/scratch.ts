/** A backend that holds nothing but one export, and a copy of the project that may only be previewed with it. */

import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Captured } from "../../lib/capture.ts";
import { record, text } from "../../lib/json.ts";
import { pulumiWith } from "../../lib/pulumi.ts";
import type { Exported } from "./exported.ts";

export interface Problem {
  readonly code: 1 | 5;
  readonly sentence: string;
}

/** What Pulumi says where a passphrase is wrong or missing. */
const PASSPHRASE = /incorrect passphrase|PULUMI_CONFIG_PASSPHRASE/;

export class Scratch {
  readonly #project: string;
  readonly #copy: string;
  readonly #options;

  constructor(project: string, directory: string, interrupted: AbortSignal) {
    this.#project = project;
    this.#copy = join(directory, "project");
    const { PULUMI_STACK: _selected, ...inherited } = process.env;
    this.#options = {
      env: { ...inherited, PULUMI_BACKEND_URL: `file://${join(directory, "backend")}?metadata=skip` },
      signal: interrupted,
      killSignal: "SIGINT",
    } as const;
  }

  /** What keeps the stack from being recovered; nothing if it can be. */
  async drill({ file, stack }: Exported): Promise<Problem | undefined> {
    const stackFile = `Pulumi.${stack}.yaml`;
    await mkdir(join(this.#copy, "..", "backend"));
    if (!existsSync(join(this.#project, stackFile)))
      return {
        code: 1,
        sentence: `There is no ${stackFile} here: without it nobody can decrypt the export.`,
      };
    await this.#copyProject(stackFile);
    const made = await this.#pulumi(
      undefined,
      "stack",
      "init",
      stack,
      "--no-select",
      ...(await this.#provider(stackFile)),
    );
    if (made.code !== 0) return failed(made, `does not open ${stackFile}`);
    const imported = await this.#pulumi(stack, "stack", "import", "--file", file);
    if (imported.code !== 0) return failed(imported, "does not open the export");
    const previewed = await this.#pulumi(stack, "preview", "--expect-no-changes");
    if (previewed.code === 0) return undefined;
    if (!/no changes were expected/.test(previewed.stderr + previewed.stdout))
      return failed(previewed, "does not open the export");
    return {
      code: 5,
      sentence: `${previewed.stdout.trim()}\nThe export opens, but ${stackFile} declares something else: it is older than the last pulumi up, or a change waits for one (npm run plan).`,
    };
  }

  /** All but other stacks' files; Pulumi may write into the stack's own, so that is no link. */
  async #copyProject(stackFile: string): Promise<void> {
    await mkdir(this.#copy);
    for (const entry of await readdir(this.#project))
      if (!/^Pulumi\..+\.yaml$/.test(entry))
        await symlink(join(this.#project, entry), join(this.#copy, entry));
    await copyFile(join(this.#project, stackFile), join(this.#copy, stackFile));
  }

  async #provider(stackFile: string): Promise<readonly string[]> {
    const declared = record(parse(await readFile(join(this.#copy, stackFile), "utf8")));
    return ["--secrets-provider", text(declared.secretsprovider) || "passphrase"];
  }

  #pulumi(stack: string | undefined, ...args: string[]): Promise<Captured> {
    return pulumiWith(this.#options, stack, ...args, "--cwd", this.#copy);
  }
}

function failed({ stdout, stderr }: Captured, what: string): Problem {
  const said = `${stdout}\n${stderr}`;
  if (PASSPHRASE.test(said))
    return {
      code: 1,
      sentence: `The passphrase (PULUMI_CONFIG_PASSPHRASE, or the file in PULUMI_CONFIG_PASSPHRASE_FILE) ${what}.`,
    };
  return { code: 1, sentence: said.trim() };
}
