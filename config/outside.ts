/** What the configuration refers to outside itself: files of the workstation, and its environment. */

import { homedir } from "node:os";
import { type Fields, show } from "./value.ts";

/** What lies outside the configuration: files and environment, both given by tests. */
export interface Outside {
  readonly read: (path: string) => string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function readFile(fields: Fields, key: string, file: string, outside: Outside): string | undefined {
  try {
    return outside.read(expandHome(file, outside.environment));
  } catch (error) {
    fields.problem(key, `${show(file)} ${reason(error)}.`);
    return undefined;
  }
}

/** A file that may be missing or closed: then there is nothing to say. */
export function readIfThere(file: string, outside: Outside): string | undefined {
  try {
    return outside.read(expandHome(file, outside.environment));
  } catch {
    return undefined;
  }
}

function expandHome(path: string, environment: Outside["environment"]): string {
  return path === "~" || path.startsWith("~/") ? `${environment.HOME ?? homedir()}${path.slice(1)}` : path;
}

function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "does not exist";
  if (code === "EACCES") return "may not be read by this user";
  if (code === "EISDIR") return "is a folder; give the file";
  return `cannot be read (${error instanceof Error ? error.message : String(error)})`;
}
