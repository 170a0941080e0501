// npm run status: the cluster on one screen, asked of the hosts themselves.
import { argv, exit, stdout } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { record } from "../../lib/json.ts";
import { pulumiJson, type Stack } from "../../lib/pulumi.ts";
import { askHosts } from "../shared/ask-hosts.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import type { Login } from "../shared/ssh.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { type ClusterStatus, clusterStatus } from "./facts.ts";
import { screen } from "./screen.ts";

const WATCH_MS = 2000;

/** What the hosts do not know is read once: the stack has it. */
interface Asked {
  readonly login: Login;
  readonly ends: unknown;
}

async function read(stack: Stack): Promise<Asked> {
  const [login, outputs] = [await loginTo(stack), await pulumiJson(stack, "stack", "output", "--json")];
  return { login, ends: record(outputs).certificatesExpire };
}

async function ask({ login, ends }: Asked): Promise<ClusterStatus> {
  const answers = await askHosts(login, () => ({ subcommand: "facts", options: {}, input: "" }));
  return clusterStatus(answers, ends);
}

/** Until Ctrl-C; on a terminal each screen replaces the last. */
async function watch(asked: Asked): Promise<void> {
  const end = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => end.abort());
  while (!end.signal.aborted) {
    const status = await ask(asked);
    if (end.signal.aborted) return; // Ctrl-C ends what asks the hosts as well
    const text = `${new Date().toLocaleTimeString()}\n\n${screen(status, Date.now())}`;
    stdout.write(stdout.isTTY ? `\x1b[2J\x1b[H${text}` : `${text}\n`);
    await delay(WATCH_MS, undefined, { signal: end.signal }).catch(() => {});
  }
}

const call = callOrExit(commands.status, argv.slice(2)).values;
try {
  const asked = await waitOnTerminal("reading the stack", () => read(call.stack));
  if (call.watch) {
    await watch(asked);
    exit(0);
  }
  const status = await waitOnTerminal("asking the hosts", () => ask(asked));
  stdout.write(call.json ? `${JSON.stringify(status, null, 2)}\n` : screen(status, Date.now()));
  process.exitCode = status.healthy && status.backups?.fresh !== false ? 0 : 5;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
