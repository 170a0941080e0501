// Part of the stand-in for the `command` plugin: what a command is to the engine, wherever its texts run.
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  type Changes,
  compare,
  diffResponse,
  isObject,
  type Properties,
  present,
  text,
  UNKNOWN,
} from "./properties.ts";
import type { Failure, Operation, ResourceType } from "./provider.ts";

/** What a command printed. */
export type Run = (command: string, properties: Properties, operation: Operation) => Promise<Properties>;

const COMMON = [
  "triggers",
  "create",
  "update",
  "delete",
  "stdin",
  "logging",
  "environment",
  "addPreviousOutputInEnv",
];

/** One of the two types of the plugin. */
interface Kind {
  readonly known: readonly string[];
  readonly check: (inputs: Properties) => Failure[];
}
export const REMOTE: Kind = { known: [...COMMON, "connection"], check: checkRemote };
export const LOCAL: Kind = {
  known: [...COMMON, "interpreter", "dir", "assetPaths", "archivePaths"],
  check: checkLocal,
};

/** A type whose create, update and delete call `run` with the text that is due. */
export function commandType(run: Run, { known, check }: Kind): ResourceType {
  return {
    check(inputs) {
      const failures = Object.keys(inputs)
        .filter((key) => !known.includes(key) && !key.startsWith("__"))
        .map((property) => ({ property, reason: `Unrecognized field '${property}'` }));
      const complete = withDefaults(inputs);
      return { inputs: complete, failures: [...failures, ...check(complete)] };
    },

    diff: (old, inputs) => diffResponse(compareInputs(old.inputs, inputs), (path) => path === "triggers"),

    async create({ name, preview, inputs, ...rest }) {
      const id = name + randomBytes(4).toString("hex");
      if (preview) return { id, outputs: { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN } };
      const create = text(inputs, "create");
      const silent = { stdout: "", stderr: "" };
      const output =
        create === undefined ? silent : await run(create, inputs, { name, preview, inputs, ...rest });
      return { id, outputs: { ...inputs, ...output } };
    },

    async update(operation, { outputs }) {
      const { inputs, preview } = operation;
      const before = present({ stdout: outputs.stdout ?? "", stderr: outputs.stderr ?? "" });
      if (preview) {
        const unknown = known.some((key) => mayChangeOutput(outputs[key] ?? null, inputs[key] ?? null));
        return { ...inputs, ...(unknown ? { stdout: UNKNOWN, stderr: UNKNOWN } : before) };
      }
      const command = text(inputs, "update") ?? text(inputs, "create");
      const output = command === undefined ? before : await run(command, { ...inputs, ...before }, operation);
      return { ...inputs, ...output };
    },

    async delete(operation, outputs) {
      const command = text(outputs, "delete");
      if (command !== undefined) await run(command, outputs, operation);
    },
  };
}

/** The connection is always secret, and nothing shows what changed inside a secret. */
function compareInputs(before: Properties, after: Properties): Changes {
  const changes = compare(before, after);
  for (const path of [...changes.keys()].filter((path) => path.startsWith("connection."))) {
    changes.delete(path);
    changes.set("connection", "UPDATE");
  }
  return changes;
}

/** As the official provider decides it: an input that was not set before does not count. */
function mayChangeOutput(before: Properties[string], after: Properties[string]): boolean {
  return after === UNKNOWN || (before !== null && !isDeepStrictEqual(before, after));
}

export const LOGIN_DEFAULTS = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };

function withDefaults(inputs: Properties): Properties {
  const { connection } = inputs;
  if (!isObject(connection)) return inputs;
  const { proxy } = connection;
  const complete = { ...LOGIN_DEFAULTS, ...present(connection) };
  return {
    ...inputs,
    connection: isObject(proxy) ? { ...complete, proxy: { ...LOGIN_DEFAULTS, ...present(proxy) } } : complete,
  };
}

function checkRemote({ connection }: Properties): Failure[] {
  if (connection === UNKNOWN) return [];
  if (isObject(connection) && connection.host !== undefined) return [];
  const property = isObject(connection) ? "host" : "connection";
  return [{ property, reason: `Missing required field '${property}'` }];
}

function checkLocal(inputs: Properties): Failure[] {
  return ["assetPaths", "archivePaths"]
    .filter((property) => inputs[property] !== undefined)
    .map((property) => ({ property, reason: "not part of this stand-in; it needs the official plugin" }));
}
