// The one file that says to OpenSSH how the hosts of a stack are reached.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import {
  aliasOf,
  type Login,
  loginOf,
  reachableNodes,
  sudoOf,
  writeSshConfig,
} from "../../cli/shared/ssh.ts";
import { hostKey, privateKey } from "../unit/configuration.ts";

const nodes = [
  { name: "node1", address: "10.0.0.1", hostKey: hostKey() },
  {
    name: "node2",
    address: "10.0.0.2",
    sshAddress: "203.0.113.2",
    sshPort: 2222,
    hostKey: hostKey("ssh-ed25519", 2),
  },
  { name: "node3", address: "10.0.0.3", lost: true },
];

/** What `pulumi config --show-secrets --json` prints. */
function stackConfig(ssh: object, more: Readonly<Record<string, string>> = {}) {
  const texts = {
    "etcd:nodes": JSON.stringify(nodes),
    "etcd:ssh": JSON.stringify(ssh),
    "aws:region": "eu-central-1",
    ...more,
  };
  return Object.fromEntries(
    Object.entries(texts).map(([key, value]) => [key, { value, secret: key === "etcd:sshPrivateKey" }]),
  );
}

const secret = { "etcd:sshPrivateKey": privateKey };

function folder(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-ssh-test-"));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The settings of one host in the file, in its order. */
function entry(file: string, alias: string): readonly string[] {
  const parts = fs.readFileSync(file, "utf8").split(/^Host /m);
  const found = parts.find((part) => part.startsWith(`${alias}\n`)) ?? "";
  return found.trim().split(/\n\s+/);
}

function login(ssh: object, more: Readonly<Record<string, string>> = secret): Login {
  return loginOf(stackConfig(ssh, more));
}

test("a secret key of the configuration is the key", () => {
  const { key, config } = login({ user: "admin" });
  assert.equal(key, privateKey);
  assert.equal(config.ssh.user, "admin");
  assert.ok(!JSON.stringify(config).includes("PRIVATE KEY"));
});

test("a key file is read", (t) => {
  const file = path.join(folder(t), "id");
  fs.writeFileSync(file, privateKey);
  assert.equal(login({ privateKeyFile: file }, {}).key, privateKey);
});

test("a configuration that is wrong is told with every mistake", () => {
  assert.throws(() => login({ user: "no;user" }, {}), /ssh\.user: .*\nssh: no key is given/);
});

test("who is not root becomes it by sudo, and a lost host is not asked", () => {
  assert.equal(sudoOf(login({ user: "admin" })), "sudo -n ");
  assert.equal(sudoOf(login({ user: "root" })), "");
  assert.deepEqual(
    reachableNodes(login({})).map(({ name }) => name),
    ["node1", "node2"],
  );
});

test("each host has its address, its own pinned key and nothing to ask", (t) => {
  const directory = folder(t);
  const file = writeSshConfig(directory, login({ user: "admin" }));
  assert.deepEqual(entry(file, "node-node2"), [
    "node-node2",
    "HostName 203.0.113.2",
    "Port 2222",
    "User admin",
    `IdentityFile ${directory}/key`,
    "IdentitiesOnly yes",
    "StrictHostKeyChecking yes",
    `UserKnownHostsFile ${directory}/node-node2-hosts`,
    "GlobalKnownHostsFile /dev/null",
    "BatchMode yes",
    "ConnectTimeout 10",
    "ServerAliveInterval 5",
    "ServerAliveCountMax 3",
    "LogLevel ERROR",
  ]);
  const known = (name: string) => fs.readFileSync(path.join(directory, name), "utf8");
  assert.equal(known("node-node1-hosts"), `10.0.0.1 ${hostKey()}\n`);
  assert.equal(known("node-node2-hosts"), `[203.0.113.2]:2222 ${hostKey("ssh-ed25519", 2)}\n`);
  assert.equal(known("key"), privateKey);
  assert.equal(fs.existsSync(path.join(directory, "node-node3-hosts")), false);
});

test("every file is for this user alone", (t) => {
  const directory = folder(t);
  writeSshConfig(directory, login({}));
  const modes = fs.readdirSync(directory).map((name) => {
    const { mode } = fs.statSync(path.join(directory, name));
    return [name, (mode & 0o777).toString(8)];
  });
  assert.deepEqual(modes, [
    ["config", "600"],
    ["key", "600"],
    ["node-node1-hosts", "600"],
    ["node-node2-hosts", "600"],
  ]);
});

test("with an agent there is no key file", (t) => {
  const directory = folder(t);
  const { config } = login({ user: "root" });
  const file = writeSshConfig(directory, { config });
  assert.equal(fs.existsSync(path.join(directory, "key")), false);
  assert.doesNotMatch(fs.readFileSync(file, "utf8"), /Identit/);
});

test("a bastion is passed by every host, with its own user, port and key", (t) => {
  const bastion = { address: "198.51.100.7", port: 2200, user: "jump", hostKey: hostKey("ssh-ed25519", 7) };
  const directory = folder(t);
  const file = writeSshConfig(directory, login({ user: "admin", bastion }));
  assert.deepEqual(entry(file, "bastion").slice(1, 4), ["HostName 198.51.100.7", "Port 2200", "User jump"]);
  assert.ok(!entry(file, "bastion").includes("ProxyJump bastion"));
  for (const node of ["node-node1", "node-node2"]) assert.ok(entry(file, node).includes("ProxyJump bastion"));
  const known = fs.readFileSync(path.join(directory, "bastion-hosts"), "utf8");
  assert.equal(known, `[198.51.100.7]:2200 ${hostKey("ssh-ed25519", 7)}\n`);
});

test("OpenSSH understands it, and takes nothing from elsewhere", (t) => {
  const given = login({ user: "admin" });
  const file = writeSshConfig(folder(t), given);
  const [node] = reachableNodes(given);
  assert.ok(node);
  const { status, stdout, stderr } = spawnSync("ssh", ["-G", "-F", file, aliasOf(node)], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  for (const line of ["user admin", "hostname 10.0.0.1", "port 22", "batchmode yes", "identitiesonly yes"])
    assert.match(stdout, new RegExp(`^${line}$`, "m"));
  assert.equal(stdout.match(/^identityfile /gm)?.length, 1);
});

test("OpenSSH reads every user name that the configuration takes", (t) => {
  for (const user of ["ops@corp.example.com", "CORP\\ops", "CORP\\first last", "web$"]) {
    const given = login({ user });
    const file = writeSshConfig(folder(t), given);
    const { stdout } = spawnSync("ssh", ["-G", "-F", file, "node-node1"], { encoding: "utf8" });
    assert.ok(stdout.startsWith(`user ${user}\n`) || stdout.includes(`\nuser ${user}\n`), stdout);
  }
});

test("OpenSSH reads a user as it is, or the configuration refuses it", (t) => {
  const signs = [
    "#",
    "%",
    "%h",
    "%%",
    "$",
    "$HOME",
    "\\",
    " ",
    "\t",
    "*",
    "!",
    "~",
    "=",
    ",",
    "a",
    "é",
    "\u00a0",
  ];
  const user = fc.array(
    fc.oneof(fc.constantFrom(...signs), fc.string({ unit: "grapheme", minLength: 1, maxLength: 2 })),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  const directory = folder(t);
  fc.assert(
    fc.property(user, (parts) => {
      const [ssh, name] = [{ user: parts.join("") }, parts.join("")];
      try {
        login(ssh);
      } catch {
        return;
      }
      const file = writeSshConfig(directory, login(ssh));
      const { status, stdout, stderr } = spawnSync("ssh", ["-G", "-F", file, "node-node1"], {
        encoding: "utf8",
      });
      assert.equal(status, 0, stderr);
      assert.ok(
        `\n${stdout}`.includes(`\nuser ${name}\n`),
        `${JSON.stringify(name)}: ${stdout.slice(0, 200)}`,
      );
    }),
    { numRuns: 80 },
  );
});
