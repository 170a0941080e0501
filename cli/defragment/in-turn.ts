// `etcd-host defragment` on one host after the other, and where that has ended.
import { askHosts, type Question, UNREACHABLE } from "../shared/ask-hosts.ts";
import { type Login, reachableNodes } from "../shared/ssh.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { type ClusterStatus, clusterStatus } from "../status/facts.ts";
import { turns } from "./turns.ts";

/** Of `etcd-host`, and of the commands. */
export const REFUSED = 3;

export async function statusOf(login: Login): Promise<ClusterStatus> {
  return clusterStatus(await askHosts(login, () => ({ subcommand: "facts", options: {}, input: "" })));
}

/** All members, the leader last, and nobody after the first failure. Returns an exit code. */
export async function defragmentInTurn(
  login: Login,
  status: ClusterStatus,
  options: Question["options"],
): Promise<number> {
  const names = turns(status);
  for (const [index, name] of names.entries()) {
    const code = await defragment(login, name, options);
    if (code === 0) continue;
    if (code === REFUSED && index === 0) return REFUSED;
    const lost =
      code === UNREACHABLE ? `The connection to ${name} ended; what has begun there goes on. ` : "";
    console.error(`${lost}Not defragmented: ${names.slice(index).join(", ")}. Run it again.`);
    return 1;
  }
  return 0;
}

/** As long as it takes: a client that gives up stops no server. Returns the exit code of the host. */
async function defragment(login: Login, name: string, given: Question["options"]): Promise<number> {
  const options = { "election-timeout": login.config.settings.electionTimeout, ...given };
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
