import { spawnSync } from "node:child_process";
import { PROGRAM } from "../../host/paths.ts";
import { quoteShell } from "../../host/quote.ts";
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
