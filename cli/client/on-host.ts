import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { stdout } from "node:process";
import { pipeline } from "node:stream/promises";
import { ANSWER_MARK, hostCommandFromStdin } from "../../host/commands.ts";
import { PROGRAM } from "../../host/paths.ts";
import { hostProgram } from "../../host/program.ts";
import { quoteAnyShell } from "../../host/quote.ts";
import { UNREACHABLE } from "../shared/ask-hosts.ts";
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
    const ended = once(ssh, "close");
    await pipeline(ssh.stdout, afterMark, stdout, { end: false });
    const [code] = await ended;
    return code ?? 1;
  });
}

/** In words that any login's shell reads alike. */
export function etcdctlCommand(node: string, sudo: string, args: readonly string[]): string {
  const missing = `there is no member on ${node} yet: run pulumi up`;
  const run = `test -x ${PROGRAM} || { echo "${missing}" >&2; exit 1; }; echo; echo "${ANSWER_MARK}"; exec "$@"`;
  return `sh -c '${run}' etcd-host ${sudo}${[PROGRAM, "ctl", ...args].map(quoteAnyShell).join(" ")}`;
}

/** A snapshot into a file here, sent by the first host that can be reached. */
export function receiveSnapshot(login: Login, endpoints: string | undefined, file: string): Promise<number> {
  const program = hostProgram();
  const caller = { user: login.config.ssh.user };
  const options = { endpoints };
  const command = hostCommandFromStdin(caller, Buffer.byteLength(program), "send-snapshot", options);
  return withPrivateFolder(async (directory) => {
    const config = writeSshConfig(directory, login);
    for (const node of reachableNodes(login)) {
      const child = spawn("ssh", ["-F", config, aliasOf(node), command], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      const ended = once(child, "close");
      child.stdin.on("error", () => {}); // it ended before it read all of it: its exit code tells
      child.stdin.end(program);
      await pipeline(child.stdout, afterMark, createWriteStream(file));
      const [code] = await ended;
      if (code !== UNREACHABLE) return code ?? 1;
    }
    return 1;
  });
}

/** What follows the mark, byte by byte; what a login printed before it is dropped. */
export async function* afterMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const mark = Buffer.from(`\n${ANSWER_MARK}\n`);
  let before: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (before === undefined) {
      yield chunk;
      continue;
    }
    before = Buffer.concat([before, chunk]);
    const at = before.indexOf(mark);
    if (at === -1) continue;
    yield before.subarray(at + mark.length);
    before = undefined;
  }
}
