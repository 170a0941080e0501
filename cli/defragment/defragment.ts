// npm run defragment: `etcd-host defragment` on one host after the other, the leader last.
import { argv } from "node:process";
import { askHosts, type Question, UNREACHABLE } from "../shared/ask-hosts.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { type Login, reachableNodes } from "../shared/ssh.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { type ClusterStatus, clusterStatus } from "../status/facts.ts";
import { alarmAdvice, reasonAgainst, turns } from "./turns.ts";

async function statusOf(login: Login): Promise<ClusterStatus> {
  return clusterStatus(await askHosts(login, () => ({ subcommand: "facts", options: {}, input: "" })));
}

/** As long as it takes: a client that gives up stops no server. Returns the exit code of the host. */
async function defragment(login: Login, name: string): Promise<number> {
  const options: Question["options"] = {
    "election-timeout": login.config.settings.electionTimeout,
    ...(call.yes ? { yes: true } : {}),
  };
  const nodes = reachableNodes(login).filter((node) => node.name === name);
  const question = () => ({ subcommand: "defragment", options, input: "" });
  const ask = () => askHosts(login, question, { nodes, patienceMs: 0 });
  for (const { code, stdout, stderr } of await waitOnTerminal(`defragmenting ${name}`, ask)) {
    for (const line of stdout.split("\n")) if (line.startsWith(name)) console.log(line); // not what a login prints
    if (stderr !== "") console.error(`${name}: ${stderr.trimEnd().split("\n").join(`\n${name}: `)}`);
    if (code !== 0) return code;
  }
  return 0;
}

async function defragmentAll(login: Login, status: ClusterStatus): Promise<number> {
  const names = turns(status);
  for (const [index, name] of names.entries()) {
    const code = await defragment(login, name);
    if (code === 0) continue;
    if (code === REFUSED && index === 0) return REFUSED;
    const lost =
      code === UNREACHABLE ? `The connection to ${name} ended; what has begun there goes on. ` : "";
    console.error(`${lost}Not defragmented: ${names.slice(index).join(", ")}. Run it again.`);
    return 1;
  }
  console.log(alarmAdvice(status) ?? "Every member is defragmented.");
  return 0;
}

/** Of `etcd-host`, and of this command. */
const REFUSED = 3;
const call = callOrExit(commands.defragment, argv.slice(2)).values;
try {
  const login = await waitOnTerminal("reading the stack", () => loginTo(call.stack));
  const status = await waitOnTerminal("asking the hosts", () => statusOf(login));
  const against = reasonAgainst(status);
  if (against === undefined) process.exitCode = await defragmentAll(login, status);
  else {
    console.error(`refused: ${against}.`);
    process.exitCode = REFUSED;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
