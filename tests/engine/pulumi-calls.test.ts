// What documents and messages tell people to type of Pulumi exists in the CLI, with the options shown.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { findEngine } from "../../lab/engine/find.ts";
import { run } from "../../lib/run.ts";
import { type PulumiCommands, pulumiCalls, pulumiCommand, pulumiProblems, texts } from "../cli/documented.ts";

/** With it the CLI documents the options, too, that the Automation API uses: lib/pulumi.ts does. */
process.env.PULUMI_DEBUG_COMMANDS = "true";

/** The options of every command, as the CLI itself documents them. */
async function knownCommands(): Promise<Map<string, ReadonlySet<string>>> {
  const { bin } = await findEngine(() => {});
  const folder = await mkdtemp(join(tmpdir(), "pulumi-commands-"));
  try {
    await run(join(bin, "pulumi"), ["gen-markdown", folder]);
    const known = new Map<string, ReadonlySet<string>>();
    for (const file of await readdir(folder)) {
      const command = basename(file, ".md").split("_").slice(1).join(" ");
      const page = await readFile(join(folder, file), "utf8");
      const options = [...page.matchAll(/^ {2,}(?:-\w, )?--([\w-]+)/gm)].map(([, option = ""]) => option);
      known.set(command, new Set(options));
    }
    return known;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** An older name of a command has no page of its own; its help is that of the new one. */
async function withOlderNames(known: Map<string, ReadonlySet<string>>): Promise<PulumiCommands> {
  const { bin } = await findEngine(() => {});
  const calls = texts().flatMap(({ text }) => pulumiCalls(text));
  for (const name of new Set(calls.map((words) => pulumiCommand(words, known)))) {
    if (known.has(name)) continue;
    const help = await run(join(bin, "pulumi"), [...name.split(" "), "--help"]).catch(() => "");
    const [, usage = ""] = /^Usage:\n {2}pulumi ([^[<\n]*)/m.exec(help) ?? [];
    const options = known.get(usage.trim());
    if (usage.split(" ").length > 1 && options !== undefined) known.set(name, options);
  }
  return known;
}
const known = await withOlderNames(await knownCommands());

test("every command in a document or a message is one that there is", () => {
  assert.ok(known.size > 100 && known.get("up")?.has("refresh"));
  assert.deepEqual(
    texts().flatMap(({ file, text }) => pulumiProblems(text, known).map((problem) => `${file}: ${problem}`)),
    [],
  );
});

for (const [text, problem] of [
  ["`pulumi upp`", "there is no pulumi upp"],
  ["pulumi up --replce URN", "pulumi up has no --replce"],
  ["run pulumi stack exports --file x", "there is no pulumi stack exports"],
] as const)
  test(`one that is made up is found: ${text}`, () =>
    assert.deepEqual(pulumiProblems(text, known), [problem]));
