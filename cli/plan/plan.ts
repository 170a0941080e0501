// npm run plan: what pulumi up would do, host by host.
import { argv, stdout } from "node:process";
import { printable } from "../../lib/printable.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { progress } from "../shared/waiting.ts";
import { planFromPreview } from "./from-preview.ts";
import { markdown } from "./markdown.ts";
import type { Plan } from "./model.ts";
import { writeFailure } from "./saved.ts";
import { selected } from "./selection.ts";
import { terminal } from "./terminal.ts";

function render(plan: Plan): string {
  if (call.json) return printable(`${JSON.stringify(plan, null, 2)}\n`);
  return (call.markdown ? markdown : terminal)(plan, Date.now());
}

const call = callOrExit(commands.plan, argv.slice(2)).values;
process.umask(0o077); // saved plans are for this user alone

try {
  const plan = await progress.wait("previewing", async () =>
    planFromPreview({ ...call, selection: await selected(call.stack, call) }),
  );
  stdout.write(render(plan));
  if (plan.verdict === "refused") process.exitCode = 3;
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  console.error(why);
  if (call.save !== undefined) await writeFailure(call.save, { stack: call.stack ?? "the stack", why }); // an older comment must not stay
  process.exitCode = 1;
}
