// npm run copy-snapshot: a snapshot that one host has, to all others, through this machine and never through the state.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { basename, resolve } from "node:path";
import { argv } from "node:process";
import { pipeline } from "node:stream/promises";
import type { NodeConfig } from "../../config/model.ts";
import { hostCommandFromStdin } from "../../host/commands.ts";
import { hostProgram } from "../../host/program.ts";
import { afterMark } from "../client/on-host.ts";
import { type Answer, askHosts } from "../shared/ask-hosts.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { loginTo } from "../shared/login.ts";
import { withPrivateFolder } from "../shared/private-folder.ts";
import { aliasOf, type Login, writeSshConfig } from "../shared/ssh.ts";
import { waitOnTerminal } from "../shared/waiting.ts";
import { type Copy, copyFrom } from "./copies.ts";

const { values: call, words } = callOrExit(commands["copy-snapshot"], argv.slice(2));
const [word = ""] = words;
/** A file here is told from a host's by its path. */
const local = word.includes("/") ? resolve(word) : undefined;
const snapshot = basename(word);

try {
  const login = await waitOnTerminal("reading the stack", () => loginTo(call.stack));
  const question = () => ({ subcommand: "has-copy", options: { snapshot }, input: "" });
  const answers = await waitOnTerminal("asking the hosts", () => askHosts(login, question));
  process.exitCode = await copyAll(login, answers);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function copyAll(login: Login, answers: readonly Answer[]): Promise<number> {
  for (const { node, code, stderr } of answers)
    if (code !== 0) console.error(`${node.name}: ${stderr.trim()}`);
  const copy = copyFrom(answers, snapshot, local === undefined ? undefined : await digestOf(local));
  if ("refusal" in copy) {
    console.error(`refused: ${copy.refusal}`);
    return 3;
  }
  for (const to of copy.to) {
    const code = await waitOnTerminal(`copying to ${to.name}`, () => pipe(login, copy, to));
    if (code !== 0) return code;
    console.log(`${to.name} has ${snapshot} of ${copy.from?.name ?? "this machine"}`);
  }
  console.log(`etcd:restore: { snapshot: ${snapshot}, sha256: ${copy.sha256} }`);
  return answers.some(({ code }) => code !== 0) ? 1 : 0;
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}

/** From the one host to the other as it comes, so that it needs no room here. */
function pipe(login: Login, { from, sha256 }: Copy, to: NodeConfig): Promise<number> {
  const program = hostProgram();
  const caller = { user: login.config.ssh.user };
  const words = (subcommand: string, options: Readonly<Record<string, string>>) =>
    hostCommandFromStdin(caller, Buffer.byteLength(program), subcommand, options);
  return withPrivateFolder(async (directory) => {
    const config = writeSshConfig(directory, login);
    const connect = (node: NodeConfig, command: string) => {
      const child = spawn("ssh", ["-F", config, aliasOf(node), command], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      child.stdin.on("error", () => {}); // it ended before it read all of it: its exit code tells
      return child;
    };
    const target = connect(to, words("take-copy", { snapshot, sha256 }));
    const taken = once(target, "close");
    target.stdin.write(program);
    target.stdout.resume();
    if (from === undefined) {
      await pipeline(createReadStream(local ?? snapshot), target.stdin);
      return Number((await taken)[0] ?? 1);
    }
    const source = connect(from, words("send-copy", { snapshot }));
    const sent = once(source, "close");
    source.stdin.end(program);
    await pipeline(source.stdout, afterMark, target.stdin);
    return Number((await sent)[0] ?? 1) || Number((await taken)[0] ?? 1);
  });
}
