// Stand-in for the official `command` plugin, only for machines that cannot download it: remote.Command and local.Command.
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { recordOutput } from "./output.ts";
import {
  type Changes,
  compare,
  diffResponse,
  isObject,
  number,
  type Properties,
  present,
  text,
  texts,
  UNKNOWN,
} from "./properties.ts";
import { type Failure, type Operation, type ResourceType, serve } from "./provider.ts";
import type { Login } from "./ssh.ts";

type Run = (command: string, properties: Properties, operation: Operation) => Promise<Properties>;

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
const REMOTE = [...COMMON, "connection"];
const LOCAL = [...COMMON, "interpreter", "dir", "assetPaths", "archivePaths"];

function commandType(run: Run, known: string[], check: (inputs: Properties) => Failure[]): ResourceType {
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

const LOGIN_DEFAULTS = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };

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

function loginOf(connection: Properties): Login {
  const { proxy } = connection;
  return {
    host: text(connection, "host") ?? "",
    port: number(connection, "port") ?? LOGIN_DEFAULTS.port,
    user: text(connection, "user") ?? LOGIN_DEFAULTS.user,
    dialErrorLimit: number(connection, "dialErrorLimit") ?? LOGIN_DEFAULTS.dialErrorLimit,
    perDialTimeout: number(connection, "perDialTimeout") ?? LOGIN_DEFAULTS.perDialTimeout,
    password: text(connection, "password"),
    privateKey: text(connection, "privateKey"),
    privateKeyPassword: text(connection, "privateKeyPassword"),
    agentSocketPath: text(connection, "agentSocketPath"),
    hostKey: text(connection, "hostKey"),
    proxy: isObject(proxy) ? loginOf(proxy) : undefined,
  };
}

function environmentOf({ environment }: Properties): Record<string, string> {
  const entries = isObject(environment) ? Object.entries(environment) : [];
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}

/** What the step printed last time, for its next run. */
function previousOutput(properties: Properties): Record<string, string> {
  if (properties.addPreviousOutputInEnv === false) return {};
  const previous = {
    PULUMI_COMMAND_STDOUT: text(properties, "stdout"),
    PULUMI_COMMAND_STDERR: text(properties, "stderr"),
  };
  return Object.fromEntries(
    Object.entries(previous).flatMap(([key, value]) => (value ? [[key, value]] : [])),
  );
}

const runRemote: Run = async (command, properties, operation) => {
  const { connection } = properties;
  if (!isObject(connection)) throw new Error("Missing required field 'connection'");
  const ssh = await import("./ssh.ts");
  const client = await ssh.dial(loginOf(connection), operation);
  try {
    const environment = await ssh.acceptedEnvironment(
      client,
      environmentOf(properties),
      previousOutput(properties),
      operation.log,
    );
    return await recordOutput(command, text(properties, "logging"), operation.log, (output) =>
      ssh.execute(client, command, environment, text(properties, "stdin"), output),
    );
  } finally {
    client.end();
  }
};

const runLocal: Run = async (command, properties, operation) => {
  const { runProcess } = await import("./local.ts");
  const interpreter = texts(properties, "interpreter");
  return await recordOutput(command, text(properties, "logging"), operation.log, (output) =>
    runProcess([...(interpreter.length > 0 ? interpreter : ["/bin/sh", "-c"]), command], output, {
      cwd: text(properties, "dir"),
      env: { ...environmentOf(properties), ...previousOutput(properties) },
      stdin: text(properties, "stdin"),
      cancelled: operation.cancelled,
    }),
  );
};

serve("1.2.1", {
  "command:remote:Command": commandType(runRemote, REMOTE, checkRemote),
  "command:local:Command": commandType(runLocal, LOCAL, checkLocal),
});
