/** What `pulumi stack export` wrote, as far as the drill has to know it. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { list, record, text } from "../../lib/json.ts";

export interface Exported {
  /** Absolute. */
  readonly file: string;
  readonly stack: string;
  readonly resources: number;
  /** RFC 3339, of the last change. */
  readonly time: string;
}

export function readExport(path: string): Exported {
  const file = resolve(path);
  const deployment = record(record(parse(file)).deployment);
  const resources = list(deployment.resources).map(record);
  const [, stack] = /^urn:pulumi:([\w.-]+)::/.exec(text(resources[0]?.urn)) ?? [];
  if (stack === undefined)
    throw new Error(
      `${path} holds no resources, so it is no backup: write it by pulumi stack export --file FILE.`,
    );
  return { file, stack, resources: resources.length, time: text(record(deployment.manifest).time) };
}

function parse(file: string): unknown {
  const source = readFileSync(file, "utf8");
  try {
    return JSON.parse(source);
  } catch {
    throw new Error(`${file} is not JSON, or not all of it: write it by pulumi stack export --file FILE.`);
  }
}
