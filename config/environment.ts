/** What the configuration refers to on the workstation: files, and environment variables. */

import { homedir } from "node:os";
import { type Fields, show } from "./value.ts";

/** The workstation as the parsers see it; tests pass their own. */
export interface Environment {
  readonly read: (path: string) => string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

export function readFile(
  fields: Fields,
  key: string,
  file: string,
  environment: Environment,
): string | undefined {
  try {
    return environment.read(expandHome(file, environment.variables));
  } catch (error) {
    fields.problem(key, `${show(file)} ${reason(error)}.`);
    return undefined;
  }
}

function expandHome(path: string, variables: Environment["variables"]): string {
  return path === "~" || path.startsWith("~/") ? `${variables.HOME ?? homedir()}${path.slice(1)}` : path;
}

function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "does not exist";
  if (code === "EACCES") return "cannot be read by this user";
  if (code === "EISDIR") return "is a folder; give the file";
  return `cannot be read (${error instanceof Error ? error.message : String(error)})`;
}
