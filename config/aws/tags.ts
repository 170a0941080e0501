/** The setting `aws.tags`: further tags for everything that is created. */

import { type Fields, show } from "../value.ts";
import type { AwsConfig } from "./model.ts";
import { CLUSTER, MADE_FROM, NODE, STACK } from "./own-tags.ts";

/** Those by which the program finds its own resources. */
const own = ["Name", CLUSTER, STACK, NODE, MADE_FROM];
/** AWS allows 50 on each resource, some of which are the program's or the account's own. */
const most = 40;

export function parseTags(aws: Fields): AwsConfig["tags"] {
  const tags = aws.object("tags");
  const keys = tags.keys();
  if (keys.length > most) aws.problem("tags", `${keys.length} tags are too many; use ${most} or fewer.`);
  return Object.fromEntries(keys.map((key) => [key, parseTag(tags, key)]));
}

function parseTag(tags: Fields, key: string): string {
  const value = tags.text(key, "");
  const problem = keyProblem(key) ?? valueProblem(value);
  if (problem !== undefined) tags.problem(key, `${problem}.`);
  return value;
}

function keyProblem(key: string): string | undefined {
  if (own.includes(key)) return "this tag is set by the program; leave it out";
  if (/^aws:/i.test(key)) return "tags that begin with aws: are AWS's own; use another name";
  if (key.length > 128)
    return `a tag's name may have up to 128 characters (it has ${key.length}); shorten it`;
  return isPlain(key) ? undefined : `the tag's name ${wrong}`;
}

function valueProblem(value: string): string | undefined {
  if (value.length > 256) return `a tag may have up to 256 characters (it has ${value.length}); shorten it`;
  return isPlain(value) ? undefined : `${show(value)} ${wrong}`;
}

const wrong =
  "contains characters that not every service accepts; use letters, digits, spaces and _ . : / = + - @";

function isPlain(text: string): boolean {
  return /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text);
}
