/** The commands that documents and messages tell people to type, and what is wrong with them. */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { etcdctlWords } from "../../cli/client/words.ts";
import { type Command, commands } from "../../cli/shared/commands.mjs";
import { defaults, undefaulted } from "../../config/defaults.ts";
import { releases } from "../../etcd/releases.ts";
import { hostProgram } from "../../host/program.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const folders = ["cli", "cluster", "components", "config", "lib", "monitoring", "policy"];
const documents = ["README.md", "CONTRIBUTING.md", "lab/README.md", "docs/*.md"];
const messages = [
  "index.ts",
  "main.mjs",
  "launch.mjs",
  "Pulumi*.yaml",
  "host/sh/*.sh",
  ...folders.map((folder) => `${folder}/**/*.{ts,mjs}`),
];

export interface Text {
  readonly file: string;
  readonly text: string;
}

/** Every document, and every source that has messages. A command that is broken over lines of prose is on one. */
export function texts(): readonly Text[] {
  const read = (file: string) => readFileSync(join(repository, file), "utf8");
  const found = (patterns: readonly string[]) =>
    patterns.flatMap((one) => globSync(one, { cwd: repository }));
  return [
    ...found(documents).map((file) => ({ file, text: onOneLine(read(file)) })),
    ...found(messages).map((file) => ({ file, text: read(file) })),
  ];
}

/** Of Markdown: blocks of code stay as they are, but for lines that go on. */
function onOneLine(markdown: string): string {
  const parts = markdown.replaceAll("\\\n", " ").split(/^```.*$/m);
  return parts.map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/\n(?!\n)/g, " "))).join("\n");
}

/** The words after each `program` in a text, up to where a command ends: a quote, a comma, a pipe, a comment. */
export function callsOf(program: string, text: string): readonly (readonly string[])[] {
  const call = new RegExp(`(?<![\\w/.@-])${program}((?: +[^\\s\`'"#|;&()<>,\\\\]+)*)`, "g");
  return [...text.matchAll(call)]
    .map(([, words = ""]) => words.split(" ").filter((word) => word !== ""))
    .map((words) => words.map((word) => word.replace(/[.:?]+$/, "")))
    .filter(([first]) => first !== undefined);
}

/** Whether a word stands for another: DIRECTORY, ARGUMENT..., X=${value}. */
const isPlaceholder = (word: string) => /^[A-Z…$<[{]/.test(word);
const optionsIn = (words: readonly string[]) =>
  words.flatMap((word) => /^--([a-z][\w-]*)/.exec(word)?.[1] ?? []);

const scripts: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(repository, "package.json"), "utf8"),
).scripts;
const byName = new Map<string, Command>(Object.entries(commands));

export function npmProblems(text: string): readonly string[] {
  const run = callsOf("npm run(?: --silent)?", text);
  const short = ["start", "test"].flatMap((name) =>
    callsOf(`npm ${name}`, text).map((words) => [name, ...words]),
  );
  return [...run, ...short].flatMap(([script = "", ...words]) => {
    const [, name = ""] = /launch\.mjs ([\w:-]+)/.exec(scripts[script] ?? "") ?? [];
    const command = byName.get(name);
    if (command === undefined) return isPlaceholder(script) ? [] : [`there is no npm run ${script}`];
    const [separator, ...args] = words;
    return separator === "--" ? wrongCall(script, command, args) : [];
  });
}

/** The declarations are those that the command itself is parsed by. Words after a call in prose are none of its own. */
function wrongCall(script: string, command: Command, args: readonly string[]): readonly string[] {
  if (command.passesOn) {
    const own = optionsIn(args.slice(0, 1)).some((option) => option in command.options);
    return own ? [] : etcdctlProblems(args);
  }
  const isForm = args.some((word) => word.startsWith("[")); // as the help shows it
  const call = args.filter((word) => !word.startsWith("["));
  while (call.length > 0 && !call.at(-1)?.startsWith("--") && command.words === undefined) {
    const before = call.at(-2) ?? "";
    if (command.options[before.replace(/^--/, "")]?.type === "string") break;
    call.pop();
  }
  try {
    const options = { ...command.options, help: { type: "boolean" as const } };
    const { values, positionals } = parseArgs({ args: call, options, allowPositionals: true });
    const words = positionals.filter((word) => !isPlaceholder(word));
    const wrong =
      values.help || isForm || words.length < positionals.length ? undefined : command.wrong?.(values, words);
    return wrong === undefined ? [] : [`npm run ${script} -- ${args.join(" ")}: ${wrong}`];
  } catch (error) {
    return [`npm run ${script} -- ${args.join(" ")}: ${error instanceof Error ? error.message : error}`];
  }
}

/** Those of etcdctl that `npm run client` and `etcd-host ctl` run: all but defrag. */
const ETCDCTL = new Set(
  `alarm auth check compaction compact del downgrade elect endpoint get help lease lock make-mirror member move-leader
  put role snapshot txn user version watch`.split(/\s+/),
);
function etcdctlProblems(args: readonly string[]): readonly string[] {
  const [word] = etcdctlWords(args);
  if (word === undefined || isPlaceholder(word) || ETCDCTL.has(word)) return [];
  return [`etcdctl has no ${word} here: ${args.join(" ")}`];
}

/** Words that follow the name of a program where a sentence goes on. */
const PROSE = new Set(
  `already and as at cannot from has is lists may must of on ran runs still then which will with works would`.split(
    " ",
  ),
);

const program = hostProgram();
const [, cases = ""] =
  /\nmain\(\) \{[\s\S]*?\n {2}case \$command in\n([\s\S]*?)\n {2}esac/.exec(program) ?? [];
/** As main in host/sh/main.sh has them; ctl comes before its options are parsed. */
export const subcommands = new Set([
  "ctl",
  ...[...cases.matchAll(/^ {4}([a-z-]+)/gm)].map(([, name]) => name),
]);
const [, parsed = ""] = /\nparse_options\(\) \{([\s\S]*?)\n\}/.exec(program) ?? [];
const hostOptions = new Set([...parsed.matchAll(/--([a-z0-9-]+)/g)].map(([, name]) => name));

export function hostProblems(text: string): readonly string[] {
  return callsOf("etcd-host", text).flatMap(([subcommand = "", ...words]) => {
    if (isPlaceholder(subcommand) || PROSE.has(subcommand)) return [];
    if (!subcommands.has(subcommand)) return [`there is no etcd-host ${subcommand}`];
    if (subcommand === "ctl") return etcdctlProblems(words);
    return optionsIn(words)
      .filter((option) => !hostOptions.has(option))
      .map((option) => `etcd-host ${subcommand} has no --${option}`);
  });
}

/** The options of each command of the Pulumi CLI, by its words. */
export type PulumiCommands = ReadonlyMap<string, ReadonlySet<string>>;

export function pulumiProblems(text: string, known: PulumiCommands): readonly string[] {
  return pulumiCalls(text).flatMap((words) => {
    const command = pulumiCommand(words, known);
    const options = known.get(command);
    if (options === undefined) return [`there is no pulumi ${command}`];
    return optionsIn(words)
      .filter((option) => !options.has(option))
      .map((option) => `pulumi ${command} has no --${option}`);
  });
}

/** Those that have a command, not those of a sentence about Pulumi. */
export function pulumiCalls(text: string): readonly (readonly string[])[] {
  return callsOf("pulumi", text).filter(([first = ""]) => !isPlaceholder(first) && !PROSE.has(first));
}

/** Its words, as long as they can name a command: a group goes on with one of its own. */
export function pulumiCommand(words: readonly string[], known: PulumiCommands): string {
  let command = "";
  for (const word of words) {
    const isGroup = [...known.keys()].some((one) => one.startsWith(command === "" ? "" : `${command} `));
    if (!isGroup || !/^[a-z]/.test(word) || PROSE.has(word)) break;
    command = command === "" ? word : `${command} ${word}`;
  }
  return command;
}

/** Versions that a text tells to declare without a digest that the program does not know: a preview refuses them. */
export function versionProblems(text: string): readonly string[] {
  const set = callsOf("pulumi config set", text).flatMap(([key = "", value = ""]) =>
    key.replace(/^etcd:/, "") === "version" ? [value] : [],
  );
  const written = [...text.matchAll(/etcd:version: "?([\w.]+)/g)].map(([, value = ""]) => value);
  return [...set, ...written]
    .filter((version) => !isPlaceholder(version) && releases[version] === undefined)
    .map((version) => `no digest of etcd ${version} is known: npm run pin declares it`);
}

/** Settings that a command sets or removes. */
export function settingProblems(text: string): readonly string[] {
  const settings = new Set<string>([...Object.keys(defaults), ...undefaulted]);
  return callsOf("pulumi config (?:set|rm)", text)
    .map((words) => words.find((word) => !word.startsWith("--")) ?? "")
    .map((key) => key.replace(/^etcd:/, "").replace(/[.[].*/, ""))
    .filter((key) => key !== "" && !isPlaceholder(key) && !settings.has(key))
    .map((key) => `there is no setting ${key}`);
}
