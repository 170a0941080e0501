// What hosts and the store say of the snapshots that they have.
import { type Answer, askHosts, type Question } from "../shared/ask-hosts.ts";
import { type Login, reachableNodes } from "../shared/ssh.ts";
import { listedSnapshots, type Snapshot } from "./listed.ts";

const here: Question = { subcommand: "snapshots", options: {}, input: "" };
const stored: Question = { ...here, options: { stored: true } };

/** The newest first, and a sentence for each host that could not be asked, and for the store. */
export async function askSnapshots(
  login: Login,
): Promise<{ snapshots: readonly Snapshot[]; silent: readonly string[] }> {
  const { found, silent } = await ask(login);
  return {
    snapshots: listedSnapshots(found.map(({ node, stdout: said }) => [node.name, said] as const)),
    silent,
  };
}

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
