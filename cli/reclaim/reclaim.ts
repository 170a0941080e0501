// npm run reclaim: explains the alarm NOSPACE, and heals it: compacts, defragments member by member, disarms, writes a key.
import { argv } from "node:process";
import { defragmentInTurn, REFUSED, statusOf } from "../defragment/in-turn.ts";
import { reasonAgainst } from "../defragment/turns.ts";
import { type Answer, askHosts, type Question } from "../shared/ask-hosts.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { type Login, reachableNodes } from "../shared/ssh.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { alarmsOf, explanation, type History, historyIn, stillFull } from "./explain.ts";

const NOT_AS_IT_SHOULD_BE = 5;
/** So that watches that are some revisions behind go on. */
const KEPT = 1000;

/** Of one host: what it says is the same on all. */
async function askOne(login: Login, subcommand: string, options: Question["options"] = {}): Promise<Answer> {
  const nodes = reachableNodes(login).slice(0, 1);
  const [answer] = await askHosts(login, () => ({ subcommand, options, input: "" }), { nodes });
  if (answer === undefined) throw new Error("The stack declares no host that is not lost.");
  return answer;
}

async function historyOf(login: Login): Promise<History> {
  const { node, stdout, stderr } = await askOne(login, "history");
  const history = historyIn(stdout);
  if (history === undefined)
    throw new Error(`${node.name}: ${stderr.trim() || "it does not say its history"}`);
  return history;
}

async function reclaim(login: Login): Promise<number> {
  const { settings } = login.config;
  const status = await waitOnTerminal("asking the hosts", () => statusOf(login));
  const against = reasonAgainst(status);
  if (against !== undefined) return refuse(against);
  const alarms = alarmsOf(status);
  if (alarms.some((alarm) => alarm !== "NOSPACE"))
    return refuse(
      `the alarm ${alarms.join(", ")} is raised, and not for space alone: npm run plan names what to do. Nothing was changed`,
    );
  const history = await waitOnTerminal("counting keys", () => historyOf(login));
  console.log(`${explanation(status, history, settings)}\n`);
  if (alarms.length === 0) {
    console.log("No alarm is raised, so nothing was changed; npm run defragment gives free space back.");
    return 0;
  }
  const keep = Number(call.keep ?? KEPT);
  const yes = call.yes ? ({ yes: true } as const) : {};
  const code = await defragmentInTurn(login, status, { "keep-revisions": keep, ...yes });
  return code === 0 ? disarm(login, keep) : code;
}

async function disarm(login: Login, keep: number): Promise<number> {
  const { settings } = login.config;
  const after = await waitOnTerminal("asking the hosts", async () =>
    stillFull(await statusOf(login), await historyOf(login), settings, keep),
  );
  if (after !== undefined) {
    console.error(`${after}.`);
    return NOT_AS_IT_SHOULD_BE;
  }
  const options = { "election-timeout": settings.electionTimeout, quota: settings.quotaBackendBytes };
  const { node, code, stdout, stderr } = await waitOnTerminal("disarming", () =>
    askOne(login, "disarm", options),
  );
  if (stderr !== "") console.error(`${node.name}: ${stderr.trimEnd().split("\n").join(`\n${node.name}: `)}`);
  if (code === 0) console.log(stdout.trim());
  return code === 0 || code === NOT_AS_IT_SHOULD_BE ? code : 1;
}

function refuse(sentence: string): number {
  console.error(`refused: ${sentence}.`);
  return REFUSED;
}

const call = callOrExit(commands.reclaim, argv.slice(2)).values;
try {
  process.exitCode = await reclaim(await waitOnTerminal("reading the stack", () => loginTo(call.stack)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
