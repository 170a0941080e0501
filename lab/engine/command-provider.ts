// Stand-in for the official `command` plugin, only for machines that cannot download it: remote.Command and local.Command.
import { commandType, LOCAL, LOGIN_DEFAULTS, REMOTE, type Run } from "./command-type.ts";
import { recordOutput } from "./output.ts";
import { isObject, number, type Properties, text, texts } from "./properties.ts";
import { serve } from "./provider.ts";
import type { Login } from "./ssh.ts";

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
  "command:remote:Command": commandType(runRemote, REMOTE),
  "command:local:Command": commandType(runLocal, LOCAL),
});
