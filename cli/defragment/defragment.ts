// npm run defragment: `etcd-host defragment` on one host after the other, the leader last.
import { argv } from "node:process";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { defragmentInTurn, REFUSED, statusOf } from "./in-turn.ts";
import { alarmAdvice, reasonAgainst } from "./turns.ts";

const call = callOrExit(commands.defragment, argv.slice(2)).values;
try {
  const login = await waitOnTerminal("reading the stack", () => loginTo(call.stack));
  const status = await waitOnTerminal("asking the hosts", () => statusOf(login));
  const against = reasonAgainst(status);
  if (against === undefined) {
    process.exitCode = await defragmentInTurn(login, status, call.yes ? { yes: true } : {});
    if (process.exitCode === 0) console.log(alarmAdvice(status) ?? "Every member is defragmented.");
  } else {
    console.error(`refused: ${against}.`);
    process.exitCode = REFUSED;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
