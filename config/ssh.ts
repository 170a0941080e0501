/** The settings `ssh` and `sshPrivateKey`: the user, the key and the route by which the hosts are reached. */

import { defaults } from "./defaults.ts";
import { type Environment, readFile } from "./environment.ts";
import { findHostKey, readKnownHosts } from "./host-keys.ts";
import type { SshConfig } from "./model.ts";
import { parseSshAddress } from "./nodes.ts";
import { privateKeyProblem } from "./private-key.ts";
import { type Fields, show } from "./value.ts";

const keys = ["user", "port", "privateKeyFile", "agent", "knownHostsFile", "bastion"];
const secretHint =
  "a key does not belong here; set the secret sshPrivateKey, or ssh.privateKeyFile to a path";
const hints = {
  privateKey: secretHint,
  key: secretHint,
  password: "passwords are not supported; use a key or the agent",
};

export function parseSsh(top: Fields, environment: Environment): SshConfig {
  const ssh = top.object("ssh");
  ssh.refuseUnknown(keys, hints);
  const user = parseUser(ssh, defaults.ssh.user);
  const agent = ssh.flag("agent", false);
  const privateKey = parsePrivateKey(top, ssh, agent, environment);
  const bastion = parseBastion(ssh, user, environment);
  return {
    user,
    agent,
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(bastion === undefined ? {} : { bastion }),
  };
}

/** Any name that OpenSSH takes: `ops@corp.example.com` and `CORP\ops` are logins, too. */
function parseUser(fields: Fields, fallback: string): string {
  const user = fields.text("user", fallback);
  if (!/^(?!-)[^\p{Cc}'"`;&<>|(){}]+$/u.test(user) || /\s-|^\s|\s$|\\$|\\\\/.test(user)) {
    fields.problem("user", `${show(user)} is not a user name; write it like ${defaults.ssh.user}.`);
  }
  return user;
}

/** Exactly one of key file, secret key and agent; with two it would be unclear which of them failed. */
function parsePrivateKey(
  top: Fields,
  ssh: Fields,
  agent: boolean,
  environment: Environment,
): string | undefined {
  const file = ssh.text("privateKeyFile", "");
  const secret = top.text("sshPrivateKey", "");
  const given = [
    file !== "" && "ssh.privateKeyFile",
    secret !== "" && "sshPrivateKey",
    agent && "ssh.agent",
  ].filter((name) => name !== false);
  if (given.length === 0) {
    top.problem(
      "ssh",
      "no key is given; set ssh.privateKeyFile, the secret sshPrivateKey, or ssh.agent: true.",
    );
  } else if (given.length > 1) {
    top.problem("ssh", `${given.join(" and ")} are set; keep one of them.`);
  }
  if (agent && !environment.variables.SSH_AUTH_SOCK) {
    ssh.problem(
      "agent",
      "no ssh agent is running here (SSH_AUTH_SOCK is not set); start one and add the key with ssh-add.",
    );
  }
  const secretProblem = secret === "" ? undefined : privateKeyProblem(secret);
  if (secretProblem !== undefined) top.problem("sshPrivateKey", `the value ${secretProblem}.`);
  return file === "" ? undefined : readPrivateKey(ssh, file, environment);
}

function readPrivateKey(ssh: Fields, file: string, environment: Environment): string | undefined {
  if (file.includes("PRIVATE KEY")) {
    ssh.problem("privateKeyFile", "holds a key, not a path; put the key into the secret sshPrivateKey.");
    return undefined;
  }
  const contents = readFile(ssh, "privateKeyFile", file, environment);
  const problem = contents === undefined ? undefined : privateKeyProblem(contents);
  if (problem !== undefined) ssh.problem("privateKeyFile", `${show(file)} ${problem}.`);
  return contents;
}

function parseBastion(ssh: Fields, user: string, environment: Environment): SshConfig["bastion"] {
  if (ssh.get("bastion") === undefined) return undefined;
  const bastion = ssh.object("bastion");
  bastion.refuseUnknown(["address", "port", "user", "hostKey"]);
  bastion.required("address", "give the bastion's address");
  const address = parseSshAddress(bastion, "address", "");
  const port = bastion.integer("port", 22, 1, 65535);
  const known = readKnownHosts(ssh, environment);
  const hostKey = findHostKey(bastion, {
    address,
    port,
    given: bastion.text("hostKey", ""),
    known,
    from: "",
  });
  return { address, port, user: parseUser(bastion, user), hostKey };
}
