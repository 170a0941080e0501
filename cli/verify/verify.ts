// npm run verify: every host compares itself with what the stack declares; changes nothing.
import { argv } from "node:process";
import { pulumiJson, type Stack } from "../../lib/pulumi.ts";
import { table } from "../../lib/table.ts";
import { type Answer, askHosts, UNREACHABLE } from "../shared/ask-hosts.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { adviceFor, type Verified } from "./advice.ts";
import { declaredOf, type State, stateOf } from "./declared.ts";

async function verify(stack: Stack): Promise<readonly Verified[]> {
  const [exported, login] = await waitOnTerminal("reading the stack", () =>
    Promise.all([pulumiJson(stack, "stack", "export"), loginTo(stack)]),
  );
  const state = stateOf(exported);
  const ask = () =>
    askHosts(login, (node) => {
      const { incarnation, lines } = declaredOf(state, node.name) ?? { incarnation: "", lines: "" };
      return {
        subcommand: "verify",
        options: { name: node.name, incarnation, declared: true },
        input: lines,
      };
    });
  const answers = await waitOnTerminal("asking the hosts", ask);
  return answers.map((answer) => resultOf(answer, state));
}

function resultOf({ node, code, stdout, stderr }: Answer, state: State): Verified {
  const { name, address } = node;
  const said = stdout.trim().split("\n");
  const last = stderr.trim().split("\n").at(-1) ?? "";
  if (declaredOf(state, name) === undefined)
    return { name, address, result: "unknown", differences: ["not brought up yet: run pulumi up"] };
  if (code === 0) return { name, address, result: "as declared", differences: [] };
  if (said.some((line) => line.startsWith("differs: ")))
    return {
      name,
      address,
      result: "differs",
      differences: said.map((line) => line.replace(/^differs: /, "")),
    };
  const why = code === UNREACHABLE ? `cannot be reached: ${last}` : last;
  return { name, address, result: "unknown", differences: [why] };
}

function render(hosts: readonly Verified[]): string {
  const rows = hosts.flatMap(({ name, address, result, differences }) =>
    [differences[0] ?? "", ...differences.slice(1)].map((difference, index) =>
      index === 0 ? [`${name} ${address}`, result, difference] : ["", "", difference],
    ),
  );
  return table(["host", "result", "what differs"], rows);
}

function exitCode(hosts: readonly Verified[]): number {
  if (hosts.some(({ result }) => result === "differs")) return 5;
  return hosts.every(({ result }) => result === "as declared") ? 0 : 1;
}

const call = callOrExit(commands.verify, argv.slice(2)).values;
try {
  const hosts = await verify(call.stack);
  console.log(
    call.json ? JSON.stringify({ schema: 1, hosts }, null, 2) : `${render(hosts)}\n\n${adviceFor(hosts)}`,
  );
  process.exitCode = exitCode(hosts);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
