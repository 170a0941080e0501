// Part of the simulated EC2: what exists in the cloud. One JSON file per resource under $LAB_DIR/ec2, so that several providers
// (and one whose CLI was killed) see the same.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import type { Properties } from "../engine/properties.ts";

/** A resource, as the provider's outputs describe it. */
export interface Stored {
  readonly id: string;
  readonly thing: Properties;
}

export class Store {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 }); // user data holds host keys
  }

  get(kind: string, id: string): Properties | undefined {
    try {
      return JSON.parse(readFileSync(this.#file(kind, id), "utf8"));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  list(kind: string): Stored[] {
    const ids = names(path.join(this.folder, kind)).map((name) => decodeURIComponent(name));
    return ids.flatMap((id) => {
      const thing = this.get(kind, id); // undefined: another process has just removed it
      return thing ? [{ id, thing }] : [];
    });
  }

  put(kind: string, id: string, thing: Properties): void {
    const file = this.#file(kind, id);
    mkdirSync(path.dirname(file), { recursive: true });
    const draft = path.join(this.folder, `.${kind}-${randomBytes(4).toString("hex")}`);
    writeFileSync(draft, `${JSON.stringify(thing, null, 2)}\n`);
    renameSync(draft, file);
  }

  /** Changes some properties of an existing resource. */
  change(kind: string, id: string, properties: Properties): void {
    const thing = this.get(kind, id);
    if (thing) this.put(kind, id, { ...thing, ...properties });
  }

  remove(kind: string, id: string): void {
    rmSync(this.#file(kind, id), { force: true });
  }

  /** One line for what happened to an instance or a volume: `lab cloud events` prints them. */
  event(name: string, details: Properties): void {
    const line = JSON.stringify({ time: new Date().toISOString(), event: name, ...details });
    appendFileSync(path.join(this.folder, "events.jsonl"), `${line}\n`);
  }

  events(): string {
    try {
      return readFileSync(path.join(this.folder, "events.jsonl"), "utf8");
    } catch (error) {
      if (isMissing(error)) return "";
      throw error;
    }
  }

  /** Runs `work` while no other process changes anything. The kernel releases the lock when this process ends, however it ends. */
  async locked<T>(work: () => T | Promise<T>): Promise<T> {
    const holder = spawn("flock", [path.join(this.folder, ".lock"), "sh", "-c", "echo; exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
      detached: true, // Ctrl-C is for the CLI, not for what a step holds
    });
    try {
      await once(holder.stdout, "data");
      return await work();
    } finally {
      holder.stdin.end();
      holder.stdout.resume();
      await once(holder, "close");
    }
  }

  #file(kind: string, id: string): string {
    return path.join(this.folder, kind, encodeURIComponent(id));
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** An id in EC2's format: the prefix and 17 hex digits. */
export function newId(prefix: string): string {
  return `${prefix}-0${randomBytes(8).toString("hex")}`;
}
