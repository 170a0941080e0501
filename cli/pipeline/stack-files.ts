/**
 * What of a pull request is data. A pipeline plans it with the protected branch's program, and with rights to decrypt:
 * so nothing of it may run, decide what decrypts, or move a secret to where the plan would show it.
 */

import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { isRecord, type Json, record } from "../../lib/json.ts";
import { hasActing } from "../../lib/printable.ts";

/** One file of a pull request, as `git diff --raw` lists it; the mode is 000000 where there is none. */
export interface ChangedFile {
  readonly path: string;
  readonly modeBefore: string;
  readonly mode: string;
}

/** The settings of this program; every other key of `config:` is another one's, like a provider's. */
const OWN_KEY = /^etcd:\w+$/;
const REGULAR_FILE = "100644";
const ABSENT = "000000";

/** A stack file is a few kilobytes. */
export const LARGEST = 256 * 1024;

/** The stack whose file it is; undefined for every other path, Pulumi.yaml as well. */
export function stackOf(path: string): string | undefined {
  return /^Pulumi\.([\w.-]+)\.yaml$/.exec(path)?.[1];
}

/** Why a change of a file is one of code, if it is: all but stack files and texts may be run. */
export function codeOf({ path, modeBefore, mode }: ChangedFile): string | undefined {
  const isRegular = [modeBefore, mode].every((each) => each === REGULAR_FILE || each === ABSENT);
  if (path.endsWith(".md") && isRegular) return undefined;
  if (stackOf(path) === undefined) return `${path} is not a stack file`;
  if (!isRegular) return `${path} is not a regular file`;
  return mode === ABSENT ? `${path} is deleted` : undefined;
}

export function readStackFile(path: string, text: string): Json {
  if (text.length > LARGEST) throw new Error(`${path} is larger than ${LARGEST / 1024} KiB`);
  // For Pulumi's parser some of them end a line, and a comment with it: it would read what nobody has looked at.
  if (hasActing(text.replace(BYTE_ORDER_MARK, "")))
    throw new Error(`${path} has characters that are not shown: write them as escapes, like "\\u0085"`);
  const content: unknown = parse(text, { maxAliasCount: 0, logLevel: "error" });
  if (!isRecord(content) || !isRecord(content.config)) throw new Error(`${path} has no settings in config:`);
  return content;
}

/** What differs besides values of this program's settings, as "PATH changes KEY". */
export function beyondValues(path: string, before: Json, after: Json): readonly string[] {
  const others = differing({ ...before, config: null }, { ...after, config: null });
  const settings = differing(record(before.config), record(after.config)).filter((key) => !OWN_KEY.test(key));
  const secrets = differing(secretsIn(before), secretsIn(after)).map((key) => `the secret ${key}`);
  return [...new Set([...others, ...settings, ...secrets])].map((key) => `${path} changes ${key}`);
}

/** At the beginning it is what some editors write, and all parsers skip. */
const BYTE_ORDER_MARK = /^\ufeff/;

/** What JSON may hold as it is, and a parser of YAML takes for the end of a line, or not at all. */
const LEFT_BY_JSON = /[\x7f-\x9f\u2028\u2029\ufeff]/g;

/** For Pulumi to read: JSON is YAML that every parser understands in the same way. */
export function asData(content: Json): string {
  const json = JSON.stringify(content, null, 2);
  return `${json.replace(LEFT_BY_JSON, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;
}

function differing(before: Json, after: Json): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], after[key]));
}

/** Encrypted values by where they are: elsewhere, the program might print what one of them holds. */
function secretsIn(value: unknown, path: readonly string[] = []): Json {
  if (typeof value !== "object" || value === null) return {};
  if ("secure" in value) return { [path.slice(1).join(".")]: value };
  return Object.assign({}, ...Object.entries(value).map(([key, each]) => secretsIn(each, [...path, key])));
}
