// npm run plan -- [--stack STACK] [--refresh] [--markdown | --json] [--save DIRECTORY]: what pulumi up would do, host by
// host; with --refresh after a look at the machines that it made.
// Exit codes: 0 planned, 1 could not be planned, 2 wrong call, 3 refused.
import { stdout } from "node:process";
import { parseArgs } from "node:util";
import { callOrExit } from "../shared/command-line.ts";
import { planFromPreview } from "./from-preview.ts";
import { markdown } from "./markdown.ts";
import type { Plan } from "./model.ts";
import { writeFailure } from "./saved.ts";
import { terminal } from "./terminal.ts";

const USAGE = "usage: npm run plan -- [--stack STACK] [--refresh] [--markdown | --json] [--save DIRECTORY]";

interface Call {
  readonly stack?: string | undefined;
  readonly save?: string | undefined;
  readonly refresh?: boolean | undefined;
  readonly markdown?: boolean | undefined;
  readonly json?: boolean | undefined;
}

function parseCommandLine(words: string[]): Call {
  const options = {
    stack: { type: "string" },
    save: { type: "string" },
    refresh: { type: "boolean" },
    markdown: { type: "boolean" },
    json: { type: "boolean" },
  } as const;
  const { values } = parseArgs({ args: words, options });
  if (values.markdown && values.json) throw new Error("--markdown and --json exclude each other");
  return values;
}

function render(plan: Plan, call: Call): string {
  if (call.json) return `${JSON.stringify(plan, null, 2)}\n`;
  return (call.markdown ? markdown : terminal)(plan, Date.now());
}

process.umask(0o077); // saved plans are for this user alone
const call = callOrExit(USAGE, parseCommandLine);
try {
  const plan = await planFromPreview(call);
  stdout.write(render(plan, call));
  if (plan.verdict === "refused") process.exitCode = 3;
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  console.error(why);
  if (call.save !== undefined) await writeFailure(call.save, call.stack, why); // an older comment must not stay
  process.exitCode = 1;
}
