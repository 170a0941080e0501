import { spawn } from "node:child_process";
import { once } from "node:events";
import { stdout } from "node:process";
import { ANSWER_MARK } from "../../host/commands.ts";
import { PROGRAM } from "../../host/paths.ts";
import { quoteAnyShell } from "../../host/quote.ts";
import { withPrivateFolder } from "../shared/private-folder.ts";
import { aliasOf, type Login, reachableNodes, sudoOf, writeSshConfig } from "../shared/ssh.ts";

/** etcdctl on the first host, with that host's own operator certificate. */
export function runOnHost(login: Login, args: readonly string[]): Promise<number> {
  const [node] = reachableNodes(login);
  if (node === undefined) throw new Error("the stack declares no host");
  const command = etcdctlCommand(node.name, sudoOf(login), args);
  return withPrivateFolder(async (directory) => {
    const file = writeSshConfig(directory, login);
    const ssh = spawn("ssh", ["-F", file, aliasOf(node), command], { stdio: ["inherit", "pipe", "inherit"] });
    passAnswerOn(ssh.stdout, stdout);
    const [code] = await once(ssh, "close");
    return code ?? 1;
  });
}

/** In words that any login's shell reads alike. */
export function etcdctlCommand(node: string, sudo: string, args: readonly string[]): string {
  const missing = `there is no member on ${node} yet: run pulumi up`;
  const run = `test -x ${PROGRAM} || { echo "${missing}" >&2; exit 1; }; echo; echo "${ANSWER_MARK}"; exec "$@"`;
  return `sh -c '${run}' etcd-host ${sudo}${[PROGRAM, "ctl", ...args].map(quoteAnyShell).join(" ")}`;
}

/** What follows the mark, byte by byte; what a login printed before it is dropped. */
export function passAnswerOn(from: NodeJS.ReadableStream, to: NodeJS.WritableStream): void {
  const mark = Buffer.from(`\n${ANSWER_MARK}\n`);
  let before: Buffer | undefined = Buffer.alloc(0);
  from.on("data", (chunk: Buffer) => {
    if (before === undefined) {
      to.write(chunk);
      return;
    }
    before = Buffer.concat([before, chunk]);
    const at = before.indexOf(mark);
    if (at === -1) return;
    to.write(before.subarray(at + mark.length));
    before = undefined;
  });
}
