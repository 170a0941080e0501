// What Pulumi calls of a host's steps, whole or cut off: an engine in a few lines, on a host whose member serves.
import assert from "node:assert/strict";
import fs from "node:fs";
import type { TestContext } from "node:test";
import type { Host } from "./host.ts";
import { DATA, servingHost } from "./member.ts";

/** A host's own steps, in the order in which they are made. */
export const PARTS = ["host", "binaries", "certificates", "member"] as const;
export type Part = (typeof PARTS)[number];

/** Under which name a step is known on its host, and what deletes it. */
const STEPS = {
  host: "prepare",
  binaries: "install",
  certificates: "certificates",
  member: "member",
} as const;
const DELETES = {
  host: "remove_host",
  binaries: "remove_binaries",
  certificates: "remove_certificates",
  member: "stop",
} as const;

/** A step that is done (+) or its delete (-). */
export type Call = `${"+" | "-"}${Part}`;

/** Where an operation is cut off: before its nth call, or after it but before the engine has written it down. */
export interface Cut {
  readonly before: number;
  readonly unsaved?: boolean;
}

/** The engine's state of one host, and what was called there. */
export class Engine {
  readonly calls: Call[] = [];
  readonly #there = new Set<Part>(PARTS);
  /** The old step of a host that was replaced, to be deleted at the end of the run. */
  #replaced = false;

  up(cut?: Cut): this {
    return this.replace([], cut);
  }

  /** `pulumi up --replace`, a taint, a cascade: the host's own step is created first, the others are deleted first. */
  replace(parts: readonly Part[], cut?: Cut): this {
    return this.#run(cut, function* (engine) {
      for (const part of PARTS) {
        if (part === "host" && parts.includes(part)) {
          yield ["+host", () => engine.#rememberOld()];
          continue;
        }
        if (parts.includes(part) && engine.#there.has(part)) yield engine.#gone(part);
        if (!engine.#there.has(part)) yield [`+${part}`, () => engine.#there.add(part)];
      }
      yield* engine.#retire();
    });
  }

  /** The whole stack, or a node that is declared no more. */
  destroy(cut?: Cut): this {
    return this.#run(cut, function* (engine) {
      for (const part of PARTS.toReversed()) if (engine.#there.has(part)) yield engine.#gone(part);
    });
  }

  /** `pulumi up --target` of the host's own step: the others are left as they are. */
  targetHost(): this {
    return this.#run(undefined, (engine) => engine.#retire());
  }

  /** `pulumi destroy --target`. */
  destroyOnly(part: Part): this {
    this.calls.push(`-${part}`);
    return this.forget(part);
  }

  /** `pulumi state delete`. */
  forget(part: Part): this {
    this.#there.delete(part);
    return this;
  }

  #gone(part: Part): Saved {
    return [`-${part}`, () => this.#there.delete(part)];
  }
  #rememberOld(): void {
    this.#there.add("host");
    this.#replaced = true;
  }
  *#retire(): Generator<Saved> {
    if (this.#replaced) {
      yield [
        "-host",
        () => {
          this.#replaced = false;
        },
      ];
    }
  }

  #run(cut: Cut | undefined, steps: (engine: Engine) => Generator<Saved>): this {
    let number = 0;
    for (const [call, save] of steps(this)) {
      if (cut !== undefined && number >= cut.before && !(cut.unsaved && number === cut.before)) break;
      this.calls.push(call);
      if (cut?.unsaved && number === cut.before) break;
      save();
      number += 1;
    }
    return this;
  }
}
type Saved = readonly [call: Call, save: () => void];

/** All the ways to cut an operation of so many calls off. */
export function cuts(calls: number): readonly Cut[] {
  return Array.from({ length: calls }, (_, before) => [{ before }, { before, unsaved: true }]).flat();
}

/** A host that every step has run on, as often as a sequence needs a new one. */
export class Stage {
  readonly host: Host;
  readonly #saved: string;

  private constructor(host: Host, saved: string) {
    this.host = host;
    this.#saved = saved;
  }

  static async create(t: TestContext): Promise<Stage> {
    const host = await servingHost(t);
    for (const step of ["certificates", "install", "prepare"])
      host.write(`var/lib/etcd-host/owner-${step}`, `urn:${step}\n`, 0o600);
    host.write("usr/local/sbin/etcd-host", "the program\n", 0o755);
    const saved = `${host.root}-saved`;
    t.after(() => fs.rmSync(saved, { recursive: true, force: true }));
    fs.cpSync(host.root, saved, { recursive: true, verbatimSymlinks: true });
    return new Stage(host, saved);
  }

  reset(): void {
    for (const entry of fs.readdirSync(this.host.root))
      fs.rmSync(this.host.file(entry), { recursive: true, force: true });
    fs.cpSync(this.#saved, this.host.root, { recursive: true, verbatimSymlinks: true });
  }

  /** The calls on a fresh host, one after the other; the exit code and the last line of each. */
  async play(calls: readonly Call[], before = ""): Promise<readonly Played[]> {
    this.reset();
    const codes = calls.map(
      (call) =>
        `code=0; out=$( ( ${shellOf(call)} ) 2>&1 ) || code=$?; echo "$code $(echo "$out" | tail -n 1)"`,
    );
    const { stdout, stderr, code } = await this.host.shell(`${before}\nset +e\n${codes.join("\n")}\n`);
    assert.deepEqual([code, stderr], [0, ""]);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => ({ code: Number(line.split(" ", 1)[0]), said: line.slice(line.indexOf(" ") + 1) }));
  }

  /** The member was never touched, and starts again at the next boot. */
  serves(): boolean {
    return (
      this.host.exists(`${DATA}/member/wal/0.wal`) &&
      this.host.exists(this.host.paths.UNIT_FILE) &&
      this.host.exists("var/lib/etcd-host/bootstrapped") &&
      this.host.systemdCalls().length === 0
    );
  }

  /** Nothing of it is left but the data, kept aside. */
  isGone(): boolean {
    return (
      !this.host.exists(DATA) &&
      !this.host.exists(this.host.paths.UNIT_FILE) &&
      !this.host.exists(this.host.paths.PROGRAM) &&
      !this.host.exists(this.host.paths.STATE_DIR) &&
      this.host.list("var/lib").filter((entry) => entry.startsWith("etcd.aside-")).length === 1
    );
  }
}
interface Played {
  readonly code: number;
  readonly said: string;
}

/** A step that was done claims itself, as its last act; a delete is run as it is, where its program is. */
function shellOf(call: Call): string {
  const part = PARTS.find((each) => call.endsWith(each)) ?? "host";
  const step = STEPS[part];
  const identity = `name=node1 incarnation=0 owner=urn:${step}`;
  return call.startsWith("+")
    ? `${identity}; claim_step ${step}`
    : `${identity}; ! test -x "$PROGRAM" || cmd_${DELETES[part]}`;
}
