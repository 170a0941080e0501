// Parses the arguments of a call as cli/shared/commands.mjs declares them, and shows its help. Plain JavaScript without
// packages, for launch.mjs.
import { exit } from "node:process";
import { parseArgs } from "node:util";

/** @import { Command, Option } from "./commands.mjs" */

const HELP = /** @type {const} */ ({ type: "boolean", short: "h" });
const WRONG_CALL = "usage error";

/**
 * The options and the other arguments of a call. Exits with the help and code 0 if asked for it; a wrong call exits
 * with one sentence and exit code 2.
 * @template {Readonly<Record<string, Option>>} Options
 * @param {Command<Options>} command
 * @param {readonly string[]} args
 */
export function callOrExit(command, args) {
  const { own, others } = split(command, args);
  const { values, positionals, tokens } = parseArgs({
    args: own,
    options: { ...command.options, help: HELP },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  if (values.help === true) {
    console.log(helpOf(command));
    exit(0);
  }
  const words = [...positionals, ...others];
  const wrong =
    wrongOption(command, tokens) ??
    (command.words === undefined && words.length > 0 ? `Unexpected argument ${words[0]}` : undefined) ??
    command.wrong?.(values, words);
  if (wrong !== undefined) {
    console.error(`${wrong}: see ${helpCall(command)}.`);
    exit(2);
  }
  return { values: parseArgs({ args: own, options: command.options, allowPositionals: true }).values, words };
}

/**
 * Arguments for another program, after ours, are left alone; a `--` ends ours.
 * @param {Command} command
 * @param {readonly string[]} args
 */
function split({ passesOn, options }, args) {
  if (!passesOn) return { own: [...args], others: [] };
  let end = 0;
  for (;;) {
    const [name = "", value] = (args[end] ?? "").split("=", 2);
    const option = options[name.replace(/^--/, "")];
    if (name === "--help" || name === "-h") end += 1;
    else if (!name.startsWith("--") || option === undefined) break;
    else end += option.type === "string" && value === undefined ? 2 : 1;
  }
  return { own: args.slice(0, end), others: args.slice(args[end] === "--" ? end + 1 : end) };
}

/**
 * @typedef {object} Token
 * @property {string} kind
 * @property {string} [name]
 * @property {string} [rawName]
 * @property {string | undefined} [value]
 * @property {boolean | undefined} [inlineValue]
 */
/**
 * @param {Command} command
 * @param {readonly Token[]} tokens
 */
function wrongOption({ options }, tokens) {
  for (const { kind, name = "", rawName, value, inlineValue } of tokens) {
    if (kind !== "option" || name === "help") continue;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) return `There is no option ${rawName}`;
    if (option.type === "boolean" && value !== undefined) return `${rawName} takes no value`;
    const isMissing = value === undefined || value === "" || (!inlineValue && value.startsWith("-"));
    if (option.type === "string" && isMissing) return `${rawName} needs a ${option.value}`;
  }
  return undefined;
}

/** @param {Command} command */
export function helpOf({ call, summary, options, words = {}, exits, example }) {
  const optionRows = Object.entries(options).map(([name, { value, help }]) => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  ]);
  const codes = Object.entries({ ...exits, 2: WRONG_CALL });
  return [
    `usage: ${call}`,
    wrap(summary, ""),
    Object.keys(words).length === 0 ? "" : `Arguments:\n${rows(Object.entries(words))}`,
    `Options:\n${rows([...optionRows, ["--help", "this help"]])}`,
    `Exit codes:\n${rows(codes)}`,
    `Example:\n  ${example}`,
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** @param {Command} command */
function helpCall({ call }) {
  const [typed = ""] = call.split(" -- ");
  return `${typed} -- --help`;
}

/** @param {readonly (readonly string[])[]} all */
function rows(all) {
  const width = Math.max(...all.map(([term = ""]) => term.length));
  return all
    .map(([term = "", help = ""]) => wrap(`  ${term.padEnd(width)}  ${help}`, " ".repeat(width + 4)))
    .join("\n");
}

/**
 * Lines of at most 100 characters.
 * @param {string} text
 * @param {string} indent of all lines but the first
 */
function wrap(text, indent) {
  const lines = [""];
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    const last = lines[lines.length - 1] ?? "";
    const longer = last === "" ? word : `${last} ${word}`;
    if (longer.length <= 100) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines.join("\n");
}
