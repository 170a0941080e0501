// npm run restore-drill: restores a snapshot on one host, beside its member and apart from it, and says what came of it.
import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";
import { askSnapshots } from "../backups/asked.ts";
import { REFUSED, statusOf } from "../defragment/in-turn.ts";
import { askHosts } from "../shared/ask-hosts.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { type Login, reachableNodes } from "../shared/ssh.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { type Chosen, chosenDrill } from "./chosen.ts";
import { reportIn, shownReport } from "./report.ts";

const DOES_NOT_HOLD = 5;

async function chosenOn(login: Login): Promise<Chosen | { readonly refusal: string }> {
  const [{ snapshots, silent }, { members }] = [await askSnapshots(login), await statusOf(login)];
  for (const line of silent) console.error(line);
  return chosenDrill(snapshots, members, call);
}

/** What decrypts it: on stdin alone, and as long as this runs. */
function identityOf({ identity = "" }: Login): string {
  if (call.identity === undefined) return identity;
  return readFileSync(call.identity === "-" ? 0 : call.identity, "utf8");
}

async function drill(login: Login): Promise<number> {
  const chosen = await waitOnTerminal("asking the hosts", () => chosenOn(login));
  if ("refusal" in chosen) return refuse(chosen.refusal);
  const { snapshot, sha256 = "", encrypted, host } = chosen;
  const input = encrypted ? identityOf(login) : "";
  if (encrypted && input === "")
    return refuse(
      `${snapshot} is encrypted: give its key by pulumi config set --secret backupIdentity < key, or --identity FILE`,
    );
  const options = { json: true, snapshot, ...(sha256 === "" ? {} : { sha256 }) } as const;
  const nodes = reachableNodes(login).filter(({ name }) => name === host);
  const question = () => ({ subcommand: "drill", options, input });
  const ask = () => askHosts(login, question, { nodes, patienceMs: 0 });
  const [answer] = await waitOnTerminal(`restoring ${snapshot} on ${host}`, ask);
  if (answer === undefined) throw new Error(`The stack declares no host ${host}.`);
  if (answer.stderr !== "")
    console.error(`${host}: ${answer.stderr.trimEnd().split("\n").join(`\n${host}: `)}`);
  const report = reportIn(host, answer.stdout);
  if (report === undefined) return answer.code === REFUSED ? REFUSED : 1;
  stdout.write(call.json ? `${JSON.stringify(report, null, 2)}\n` : shownReport(report));
  return report.ok ? 0 : DOES_NOT_HOLD;
}

function refuse(sentence: string): number {
  console.error(`refused: ${sentence}.`);
  return REFUSED;
}

const call = callOrExit(commands["restore-drill"], argv.slice(2)).values;
try {
  process.exitCode = await drill(await waitOnTerminal("reading the stack", () => loginTo(call.stack)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
