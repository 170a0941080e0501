import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { hostCommandFromStdin } from "../../host/commands.ts";
import { PROGRAM } from "../../host/paths.ts";
import { hostProgram } from "../../host/program.ts";
import { quoteShell } from "../../host/quote.ts";
import { UNREACHABLE } from "../shared/ask-hosts.ts";
import { withPrivateFolder } from "../shared/private-folder.ts";
import { aliasOf, type Login, reachableNodes, sudoOf, writeSshConfig } from "../shared/ssh.ts";

/** etcdctl on the first host, with that host's own operator certificate. */
export function runOnHost(login: Login, args: readonly string[]): Promise<number> {
  const [node] = reachableNodes(login);
  if (node === undefined) throw new Error("the stack declares no host");
  const missing = quoteShell(`there is no member on ${node.name} yet: run pulumi up`);
  const call = sudoOf(login) + [PROGRAM, "ctl", ...args].map(quoteShell).join(" ");
  const command = `test -x ${PROGRAM} || { echo ${missing} >&2; exit 1; }; ${call}`;
  return withPrivateFolder((directory) => {
    const file = writeSshConfig(directory, login);
    return spawnSync("ssh", ["-F", file, aliasOf(node), command], { stdio: "inherit" }).status ?? 1;
  });
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
      await pipeline(child.stdout, afterItsLine, createWriteStream(file));
      const [code] = await ended;
      if (code !== UNREACHABLE) return code ?? 1;
    }
    return 1;
  });
}

/** What `etcd-host send-snapshot` says before it; a login may print something of its own first. */
const FOLLOWS = Buffer.from("etcd-host: the snapshot follows\n");

async function* afterItsLine(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let before: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (before === undefined) {
      yield chunk;
      continue;
    }
    before = Buffer.concat([before, chunk]);
    const at = before.indexOf(FOLLOWS);
    if (at === -1) continue;
    yield before.subarray(at + FOLLOWS.length);
    before = undefined;
  }
}
