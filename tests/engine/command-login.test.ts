// By which keys the `command` plugin enters a host, and what it says when it cannot. Official or stand-in.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { command, endHost, startHost } from "./host.ts";
import type { Project } from "./project.ts";
import type { Sshd } from "./sshd.ts";

let sshd: Sshd;
let project: Project;

before(async () => {
  ({ sshd, project } = await startHost());
});

after(async () => {
  await endHost({ sshd, project });
});

test("every form of key and host key that a program is likely to have", async () => {
  const { folder, privateKey } = sshd;
  const forms: Record<string, string> = { openssh: privateKey };
  for (const [name, args] of Object.entries({
    rsa: ["-t", "rsa", "-b", "2048"],
    "rsa-pem": ["-t", "rsa", "-b", "2048", "-m", "PEM"],
    "rsa-pkcs8": ["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
    "ecdsa-pem": ["-t", "ecdsa", "-m", "PEM"],
    "ecdsa-pkcs8": ["-t", "ecdsa", "-m", "PKCS8"],
    ecdsa: ["-t", "ecdsa", "-b", "384"],
  })) {
    forms[name] = sshd.addKey(name, args, "");
  }
  forms.encrypted = sshd.addKey("encrypted", ["-t", "ed25519"], "pass phrase");
  const program = Object.entries(forms).map(([name, key]) => {
    const password = name === "encrypted" ? 'privateKeyPassword: "pass phrase",' : "";
    return command(name, `{ ...connection, ${password} privateKey: ${JSON.stringify(key)} }`);
  });
  program.push(command("any-host-key", "{ ...connection, hostKey: undefined }"));
  program.push(
    command("host-key-with-comment", '{ ...connection, hostKey: connection.hostKey + " root@host" }'),
  );
  // The forms that tls.PrivateKey gives out.
  program.push(`
    const key = new tls.PrivateKey("key", { algorithm: "ED25519" });
    const allow = new local.Command("allow", { create: "cat >>$FOLDER/authorized", stdin: key.publicKeyOpenssh });
    for (const privateKey of ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"] as const) {
      new remote.Command("tls-" + privateKey, { connection: { ...connection, privateKey: key[privateKey] }, create: "true" }, { dependsOn: allow });
    }
  `);
  await project.up(program.join(""));
  assert.ok(existsSync(folder));
});

/** Runs `work` while an agent has these keys. */
async function withAgent(
  keyFiles: readonly string[],
  work: (socket: string) => Promise<void>,
): Promise<void> {
  const socket = path.join(sshd.folder, "agent");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(agent.stdout, "data"); // it prints its address once it listens
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    execFileSync("ssh-add", ["-q", ...keyFiles], { env, stdio: "ignore" });
    await work(socket);
  } finally {
    const ended = once(agent, "exit");
    agent.kill();
    await ended;
    await rm(socket, { force: true });
  }
}

/** A private key of the login, and its file. */
function keyFile(name: string, authorized = true): string {
  sshd.addKey(name, ["-t", "ed25519"], "", "", authorized);
  return path.join(sshd.folder, name);
}

const byAgent = "{ ...connection, privateKey: undefined }";

test("an agent, named or by SSH_AUTH_SOCK", async () => {
  await withAgent([sshd.privateKeyFile], async (socket) => {
    await project.up(
      command("named-agent", `{ ...connection, privateKey: undefined, agentSocketPath: "${socket}" }`),
    );
    await project.write(command("agent", byAgent));
    await project.under({ SSH_AUTH_SOCK: socket }).succeed("up", "--yes", "--skip-preview");
  });
  const socket = path.join(sshd.folder, "agent");
  const text = await project.failToUp(command("no-agent", `{ ...connection, agentSocketPath: "${socket}" }`));
  assert.match(text, /dial unix \S+: connect: no such file or directory/);
});

test("with another person's agent nothing runs again, and what they change runs", async () => {
  const program = (text: string) => command("shared", byAgent, `create: "echo ${text}", delete: "echo gone"`);
  await withAgent([keyFile("alice")], async (socket) => {
    await project.write(program("once"));
    await project.under({ SSH_AUTH_SOCK: socket }).succeed("up", "--yes", "--skip-preview");
  });
  await project.succeed("preview", "--expect-no-changes"); // it contacts no host
  await withAgent([keyFile("bob")], async (socket) => {
    const bob = project.under({ SSH_AUTH_SOCK: socket });
    const logins = sshd.logins();
    await bob.succeed("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(sshd.logins(), logins);
    await bob.write(program("twice"));
    await bob.succeed("up", "--yes", "--skip-preview");
    assert.equal(sshd.logins(), logins + 1);
    await bob.write("");
    await bob.succeed("up", "--yes", "--skip-preview");
    assert.equal(sshd.logins(), logins + 2);
  });
});

test("an agent with more keys than sshd tries", async () => {
  const strangers = Array.from({ length: 7 }, (_, index) => keyFile(`stranger-${index}`, false));
  await withAgent([...strangers, sshd.privateKeyFile], async (socket) => {
    const text = await project.under({ SSH_AUTH_SOCK: socket }).failToUp(command("many-keys", byAgent));
    assert.match(text, /ssh: handshake failed: ssh: disconnect, reason 2: Too many authentication failures/);
  });
});

test("a host with another key is refused, and a host key that is none", async () => {
  const other = sshd.addKey("other-host", ["-t", "ed25519"], "", ".pub").split(" ").slice(0, 2).join(" ");
  const wrong = await project.failToUp(
    command("wrong", `{ ...connection, hostKey: "${other}", dialErrorLimit: 1 }`),
  );
  assert.match(wrong, /after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch/);
  const ecdsa = sshd.addKey("other-type", ["-t", "ecdsa"], "", ".pub").split(" ").slice(0, 2).join(" ");
  const type = await project.failToUp(command("type", `{ ...connection, hostKey: "${ecdsa}" }`));
  assert.match(type, /ssh: handshake failed: ssh: no common algorithm for host key/);
  const none = await project.failToUp(
    command("none", '{ ...connection, hostKey: "nonsense", dialErrorLimit: 5 }'),
  );
  assert.match(none, /failed to parse host key: ssh: no key found/);
  assert.doesNotMatch(none, /retrying/);
});

test("a key the host does not know is refused", async () => {
  const stranger = sshd.addKey("stranger", ["-t", "ed25519"], "", undefined, false);
  const text = await project.failToUp(
    command("stranger", `{ ...connection, privateKey: ${JSON.stringify(stranger)} }`),
  );
  assert.match(
    text,
    /after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods \[none publickey\], no supported methods remain/,
  );
});

test("a key that is none, or that needs its password, is refused at once", async () => {
  const locked = sshd.addKey("locked", ["-t", "ed25519"], "pass phrase");
  for (const [key, reason] of [
    ["nonsense", "ssh: no key found"],
    [locked, "ssh: this private key is passphrase protected"],
  ]) {
    const connection = `{ ...connection, privateKey: ${JSON.stringify(key)}, dialErrorLimit: 5 }`;
    const text = await project.failToUp(command("unusable", connection));
    assert.ok(text.includes(`error: ${reason}`), text);
    assert.doesNotMatch(text, /retrying/);
  }
});

test("`environment` works where the host's sshd accepts it, and fails the step elsewhere", async () => {
  await project.up(
    command("accepted", "connection", 'create: "echo $ACCEPTED", environment: { ACCEPTED: "yes" }'),
  );
  assert.equal((await project.resource("accepted")).outputs.stdout, "yes");
  const text = await project.failToUp(
    command("denied", "connection", 'create: "touch $FOLDER/ran", environment: { DENIED: "x" }'),
  );
  assert.match(text, /could not set environment variable "DENIED": ssh: setenv failed/);
  assert.ok(!existsSync(path.join(sshd.folder, "ran")));
});
