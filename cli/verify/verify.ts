// npm run verify -- [--stack STACK] [--json]: every host compares itself with what the stack declares; changes nothing.
// Exit codes: 0 as declared, 1 could not be verified, 2 wrong call, 5 something differs.
import { parseArgs } from "node:util";
import { capture } from "../../lib/capture.ts";
import { table } from "../../lib/table.ts";
import { type Answer, askHosts, UNREACHABLE } from "../shared/ask-hosts.ts";
import { callOrExit } from "../shared/command-line.ts";
import { loginTo } from "../shared/login.ts";
import { declaredOf, type State, stateOf } from "./declared.ts";

const USAGE = "usage: npm run verify -- [--stack STACK] [--json]";

interface Verified {
  readonly name: string;
  readonly address: string;
  readonly result: "as declared" | "differs" | "unknown";
  /** What differs, or why it is not known. */
  readonly differences: readonly string[];
}

async function verify(stack: string | undefined): Promise<readonly Verified[]> {
  const state = await exportState(stack);
  const login = loginTo(stack);
  const answers = await askHosts(login, (node) => {
    const { incarnation, lines } = declaredOf(state, node.name) ?? { incarnation: "", lines: "" };
    return { subcommand: "verify", options: { name: node.name, incarnation, declared: true }, input: lines };
  });
  return answers.map((answer) => resultOf(answer, state));
}

async function exportState(stack: string | undefined): Promise<State> {
  const choice = stack === undefined ? [] : ["--stack", stack];
  const { code, stdout, stderr } = await capture("pulumi", ["stack", "export", ...choice]);
  if (code !== 0) throw new Error(stderr.trim());
  return stateOf(JSON.parse(stdout));
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

/** One sentence on what to do next. No member restarts while another is stopped, so that one has to come first. */
function advice(hosts: readonly Verified[]): string {
  if (hosts.every(({ result }) => result === "as declared")) return "Every host is as declared.";
  const differing = hosts.filter(({ result }) => result === "differs");
  if (differing.length === 0)
    return "Not every host could be asked: see above, then run it again. On EC2, if an instance is gone: pulumi up --refresh.";
  const stopped = differing.filter(({ differences }) => differences.some((line) => STOPPED.test(line)));
  const order =
    stopped.length > 0 && differing.length > stopped.length
      ? ` Let those that are stopped come first: rolloutOrder: [${stopped.map(({ name }) => name).join(", ")}].`
      : "";
  return `Raise checkId and run pulumi up: it puts back what differs, and restarts only what must be.${order}`;
}

const STOPPED = /^etcd\.service is (inactive|failed)/;

function exitCode(hosts: readonly Verified[]): number {
  if (hosts.some(({ result }) => result === "differs")) return 5;
  return hosts.every(({ result }) => result === "as declared") ? 0 : 1;
}

function parseCommandLine(words: string[]) {
  const options = { stack: { type: "string" }, json: { type: "boolean" } } as const;
  return parseArgs({ args: words, options }).values;
}

const call = callOrExit(USAGE, parseCommandLine);
try {
  const hosts = await verify(call.stack);
  console.log(
    call.json ? JSON.stringify({ schema: 1, hosts }, null, 2) : `${render(hosts)}\n\n${advice(hosts)}`,
  );
  process.exitCode = exitCode(hosts);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
