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
  const login = parseLogin(top, ssh, environment);
  const bastion = parseBastion(ssh, user, environment);
  return {
    user,
    ...login,
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

/** One of agent, key file and secret key; with two it would be unclear which of them failed. */
function parseLogin(
  top: Fields,
  ssh: Fields,
  environment: Environment,
): Pick<SshConfig, "agent" | "privateKey"> {
  const file = ssh.text("privateKeyFile", "");
  const secret = top.text("sshPrivateKey", "");
  const agent = ssh.flag("agent", file === "" && secret === "");
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
  if (agent && !environment.variables.SSH_AUTH_SOCK) top.report.warning("ssh", NO_AGENT);
  if (file !== "") top.report.warning("ssh.privateKeyFile", FILE_IN_STATE);
  if (secret !== "") top.report.warning("sshPrivateKey", SECRET_IN_STATE);
  const secretProblem = secret === "" ? undefined : privateKeyProblem(secret);
  if (secretProblem !== undefined) top.problem("sshPrivateKey", `the value ${secretProblem}.`);
  const privateKey = file === "" ? undefined : readPrivateKey(ssh, file, environment);
  return { agent, ...(privateKey === undefined ? {} : { privateKey }) };
}

export const NO_AGENT =
  "no ssh agent is running here (SSH_AUTH_SOCK is not set), and only a preview does without; start one and add your key with ssh-add.";

const FILE_IN_STATE =
  "the key itself lies in the state, encrypted, with every step: whoever can decrypt the state can log in with it, and another person's key runs every step again. Leave it out to log in by the ssh agent.";

const SECRET_IN_STATE =
  "the key lies in the stack file and, with every step, in the state, encrypted: whoever can decrypt them can log in with it. Remove it to log in by the ssh agent.";

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
