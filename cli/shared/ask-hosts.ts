// Asks every host of a stack at once, by this program's own text: what is installed there may have been tampered with.
import { setTimeout as delay } from "node:timers/promises";
import type { NodeConfig } from "../../config/model.ts";
import { ANSWER_MARK, hostCommandFromStdin } from "../../host/commands.ts";
import { hostProgram } from "../../host/program.ts";
import { type Captured, capture } from "../../lib/capture.ts";
import { printable } from "../../lib/printable.ts";
import { withPrivateFolder } from "./private-folder.ts";
import { aliasOf, type Login, reachableNodes, writeSshConfig } from "./ssh.ts";
import { isThrottled, PAUSES_MS, whyUnreachable } from "./throttling.ts";

export interface Question {
  /** `etcd-host SUBCOMMAND --option=value …` */
  readonly subcommand: string;
  readonly options: Readonly<Record<string, string | number | true>>;
  /** Its stdin. */
  readonly input: string;
}

export interface Answer extends Captured {
  readonly node: NodeConfig;
}

/** A host whose disk hangs accepts logins but answers nothing; a digest of every file takes seconds. */
const PATIENCE_MS = 120_000;

export interface Asked {
  /** @default all that are not lost */
  readonly nodes?: readonly NodeConfig[];
  /** How long an answer may take; 0 for as long as it takes. @default two minutes */
  readonly patienceMs?: number;
  /** Before it is asked again where it is not let in. */
  readonly pausesMs?: readonly number[];
}

/**
 * One connection a host, all at once; again after a pause where it is not let in. An exit code of 255 is ssh's own: the
 * host could not be asked.
 */
export function askHosts(
  login: Login,
  question: (node: NodeConfig) => Question,
  { nodes = reachableNodes(login), patienceMs = PATIENCE_MS, pausesMs = PAUSES_MS }: Asked = {},
): Promise<readonly Answer[]> {
  const program = hostProgram();
  return withPrivateFolder((directory) => {
    const file = writeSshConfig(directory, login);
    const ask = async (node: NodeConfig): Promise<Answer> => {
      const { subcommand, options, input } = question(node);
      const caller = { user: login.config.ssh.user };
      const command = hostCommandFromStdin(caller, Buffer.byteLength(program), subcommand, options);
      const connect = () => capture("ssh", ["-F", file, aliasOf(node), command], program + input, patienceMs);
      return { node, ...answered(await letIn(connect, pausesMs)) };
    };
    return Promise.all(nodes.map(ask));
  });
}

async function letIn(connect: () => Promise<Captured>, pausesMs: readonly number[]): Promise<Captured> {
  for (const pause of pausesMs) {
    const captured = await connect();
    if (captured.code !== UNREACHABLE || !isThrottled(captured.stderr)) return captured;
    await delay(pause);
  }
  return connect();
}

/** Without what the login printed, and as text that can be shown: a host that was taken over may answer anything. A login that runs something else has answered nothing, whatever it ended with. */
function answered(captured: Captured): Captured {
  const { code } = captured;
  const [stdout, stderr] = [printable(captured.stdout), printable(captured.stderr)];
  if (code === UNREACHABLE) return { code, stdout: "", stderr: whyUnreachable(stderr) };
  const mark = `\n${ANSWER_MARK}\n`;
  const at = stdout.indexOf(mark);
  if (at !== -1) return { code, stdout: stdout.slice(at + mark.length), stderr };
  const said = stderr.trim() || stdout.trim().split("\n").at(-1) || "nothing";
  return {
    code: code || 1,
    stdout: "",
    stderr: `the login did not run the question (ForceCommand, or no shell?); it said: ${said}`,
  };
}

/** ssh's own exit code. */
export const UNREACHABLE = 255;
