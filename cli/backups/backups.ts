// npm run backups: the snapshots that the hosts and the store have, and the lines to restore one.
import { argv, stdout } from "node:process";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { askSnapshots } from "./asked.ts";
import { shownSnapshots } from "./listed.ts";

const call = callOrExit(commands.backups, argv.slice(2)).values;
try {
  const { snapshots, silent } = await waitOnTerminal("asking the hosts", async () =>
    askSnapshots(await loginTo(call.stack)),
  );
  stdout.write(
    call.json
      ? `${JSON.stringify({ schema: 1, snapshots, unasked: silent }, null, 2)}\n`
      : shownSnapshots(snapshots, Date.now()),
  );
  for (const line of silent) console.error(line);
  process.exitCode = silent.length === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
