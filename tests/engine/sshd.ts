// A throw-away OpenSSH server on loopback: its own keys, its own configuration, nothing of this machine's.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import os from "node:os";
import path from "node:path";
import { opensshServer } from "./openssh.ts";

export interface Sshd {
  port: number;
  user: string;
  /** The server's public key, as in known_hosts. */
  hostKey: string;
  privateKey: string;
  privateKeyFile: string;
  folder: string;
  /** A new private key (or, with the suffix, its public half) that may log in, unless told otherwise. */
  addKey(name: string, args: string[], passphrase: string, suffix?: string, authorized?: boolean): string;
  /** Forwards one more port to this server. */
  also(port: number): Server;
  /** How many logins there were so far. */
  logins(): number;
  stop(): Promise<void>;
}

export async function startSshd(): Promise<Sshd> {
  const openssh = await opensshServer();
  const folder = mkdtempSync(path.join(os.tmpdir(), "engine-sshd-"));
  const file = (name: string) => path.join(folder, name);
  for (const name of ["host", "user"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file(name)]);
  }
  writeFileSync(file("authorized"), readFileSync(file("user.pub")), { mode: 0o600 });
  const port = await freePort();
  const lines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${file("host")}`,
    `AuthorizedKeysFile ${file("authorized")}`,
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "AcceptEnv ACCEPTED",
    "MaxStartups 100",
    ...openssh.settings,
  ];
  writeFileSync(file("config"), `${lines.join("\n")}\n`);
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const [program = "sshd", ...args] = openssh.command;
  const server = spawn(program, [...args, "-D", "-e", "-f", file("config")], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...openssh.environment },
  });
  const log = await listening(server);
  return {
    port,
    user: os.userInfo().username,
    hostKey: readFileSync(file("host.pub"), "utf8").split(" ").slice(0, 2).join(" "),
    privateKey: readFileSync(file("user"), "utf8"),
    privateKeyFile: file("user"),
    folder,
    addKey(name, args, passphrase, suffix = "", authorized = true) {
      execFileSync("ssh-keygen", ["-q", ...args, "-N", passphrase, "-C", name, "-f", file(name)]);
      if (authorized) appendFileSync(file("authorized"), readFileSync(file(`${name}.pub`)));
      return readFileSync(file(name) + suffix, "utf8");
    },
    also: (extra) =>
      createServer((socket) => {
        const onward = connect(port, "127.0.0.1");
        socket.pipe(onward).pipe(socket);
      }).listen(extra, "127.0.0.1"),
    logins: () => log.text.split("Accepted publickey").length - 1,
    async stop() {
      const ended = once(server, "exit");
      server.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listening(server: ChildProcess): Promise<{ text: string }> {
  const log = { text: "" };
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on("data", (chunk: Buffer) => {
      log.text += chunk;
      if (log.text.includes("Server listening on")) resolve();
    });
    server.once("exit", () => reject(new Error(`sshd ended: ${log.text}`)));
  });
  return log;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
