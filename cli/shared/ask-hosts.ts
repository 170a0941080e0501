// Asks every host of a stack at once, by this program's own text: what is installed there may have been tampered with.
import type { NodeConfig } from "../../config/model.ts";
import { hostCommandFromStdin } from "../../host/commands.ts";
import { hostProgram } from "../../host/program.ts";
import { type Captured, capture } from "../../lib/capture.ts";
import { withPrivateFolder } from "./private-folder.ts";
import { aliasOf, type Login, reachableNodes, writeSshConfig } from "./ssh.ts";

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
}

/** One connection a host, all at once. An exit code of 255 is ssh's own: the host could not be asked. */
export function askHosts(
  login: Login,
  question: (node: NodeConfig) => Question,
  { nodes = reachableNodes(login), patienceMs = PATIENCE_MS }: Asked = {},
): Promise<readonly Answer[]> {
  const program = hostProgram();
  return withPrivateFolder((directory) => {
    const file = writeSshConfig(directory, login);
    const ask = async (node: NodeConfig): Promise<Answer> => {
      const { subcommand, options, input } = question(node);
      const caller = { user: login.config.ssh.user };
      const command = hostCommandFromStdin(caller, Buffer.byteLength(program), subcommand, options);
      return {
        node,
        ...(await capture("ssh", ["-F", file, aliasOf(node), command], program + input, patienceMs)),
      };
    };
    return Promise.all(nodes.map(ask));
  });
}

/** ssh's own exit code. */
export const UNREACHABLE = 255;
