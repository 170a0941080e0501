// npm run backups: the snapshots that the hosts and the store have, and the lines to restore one.
import { argv, stdout } from "node:process";
import { type Answer, askHosts, type Question } from "../shared/ask-hosts.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { type Login, reachableNodes } from "../shared/ssh.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { listedSnapshots, shownSnapshots } from "./listed.ts";

const here: Question = { subcommand: "snapshots", options: {}, input: "" };
const stored: Question = { ...here, options: { stored: true } };

/** Each host for its own; for the store one after the other, until one of them has an answer. */
async function ask(login: Login): Promise<{ found: readonly Answer[]; silent: readonly string[] }> {
  const answers = await askHosts(login, () => here);
  const silent = answers.flatMap((answer) => why(answer.node.name, answer));
  if (login.config.backup.schedule?.store === undefined) return { found: answers, silent };
  const reasons: string[] = [];
  for (const node of reachableNodes(login)) {
    const [answer] = await askHosts(login, () => stored, { nodes: [node] });
    if (answer?.code === 0) return { found: [...answers, answer], silent };
    if (answer !== undefined) reasons.push(...why(`the store, by ${node.name}`, answer));
  }
  return { found: answers, silent: [...silent, ...reasons] };
}

function why(name: string, { code, stderr }: Answer): readonly string[] {
  return code === 0 ? [] : [`could not be asked: ${name}: ${stderr.trim().split("\n").at(-1) ?? ""}`];
}

const call = callOrExit(commands.backups, argv.slice(2)).values;
try {
  const { found, silent } = await waitOnTerminal("asking the hosts", async () =>
    ask(await loginTo(call.stack)),
  );
  const snapshots = listedSnapshots(found.map(({ node, stdout: said }) => [node.name, said] as const));
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
