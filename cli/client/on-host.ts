import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
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
  return withPrivateFolder((directory) => {
    const config = writeSshConfig(directory, login);
    let code = UNREACHABLE;
    for (const node of reachableNodes(login)) {
      const output = openSync(file, "w");
      const call = ["-F", config, aliasOf(node), command];
      code = spawnSync("ssh", call, { input: program, stdio: ["pipe", output, "inherit"] }).status ?? 1;
      closeSync(output);
      if (code !== UNREACHABLE) break;
    }
    return code === UNREACHABLE ? 1 : code;
  });
}
