import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { parseConfig } from "../../config/parse.ts";
import { config, hostKey, privateKey, problems, read, right } from "./configuration.ts";

const keyPath = "/home/me/.ssh/id_ed25519";
const hostsPath = "/home/me/.ssh/known_hosts";

function ssh(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ssh: { ...right.ssh, ...changes } };
}

test("the key is read from the file, with ~ for the home directory", () => {
  assert.deepEqual(config().ssh, { user: "root", agent: false, privateKey });
});

test("a path from the root is taken as it is", () => {
  assert.equal(
    config(ssh({ privateKeyFile: "/keys/a" }), { "/keys/a": privateKey }).ssh.privateKey,
    privateKey,
  );
});

test("the secret key is checked but never part of the plain configuration", () => {
  const parsed = config({ ...ssh({ privateKeyFile: undefined }), sshPrivateKey: privateKey });
  assert.deepEqual(parsed.ssh, { user: "root", agent: false });
  assert.ok(!JSON.stringify(parsed).includes("PRIVATE KEY"));
});

test("the agent is used when one runs", () => {
  const agent = ssh({ privateKeyFile: "", agent: true, user: "admin" });
  assert.deepEqual(config(agent, {}, { SSH_AUTH_SOCK: "/run/agent" }).ssh, { user: "admin", agent: true });
  assert.deepEqual(problems(agent), [
    "ssh.agent: no ssh agent is running here (SSH_AUTH_SOCK is not set); start one and add the key with ssh-add.",
  ]);
});

test("one way to authenticate is needed, and only one", () => {
  const neither =
    "ssh: no key is given; set ssh.privateKeyFile, the secret sshPrivateKey, or ssh.agent: true.";
  assert.deepEqual(problems(ssh({ privateKeyFile: undefined })), [neither]);
  assert.deepEqual(problems({ sshPrivateKey: privateKey }), [
    "ssh: ssh.privateKeyFile and sshPrivateKey are set; keep one of them.",
  ]);
  assert.deepEqual(problems(ssh({ agent: true }), {}, { SSH_AUTH_SOCK: "/run/agent" }), [
    "ssh: ssh.privateKeyFile and ssh.agent are set; keep one of them.",
  ]);
});

const opensshKey = (cipher: string) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(cipher.length);
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    length,
    Buffer.from(cipher),
    Buffer.alloc(40),
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`;
};
const ecKey = generateKeyPairSync("ec", { namedCurve: "P-256" });
const locked = { cipher: "aes-256-cbc", passphrase: "secret" };
const toAgent =
  "is protected by a passphrase; load it into the ssh agent (ssh-add) and set ssh.agent: true instead";

for (const [what, contents] of [
  ["OpenSSH's own form", opensshKey("none")],
  ["PKCS#8", privateKey],
  ["SEC 1", ecKey.privateKey.export({ format: "pem", type: "sec1" }).toString()],
] as const) {
  test(`a private key in ${what} is right`, () => {
    assert.deepEqual(problems({}, { [keyPath]: contents }), []);
  });
}

for (const [what, contents, problem] of [
  ["missing", undefined, "does not exist"],
  ["empty", " \n", "is empty; give a private key"],
  ["a public key", hostKey(), "is a public key; give the private one (the file without .pub)"],
  ["protected, in OpenSSH's own form", opensshKey("aes256-ctr"), toAgent],
  [
    "protected, in PKCS#8",
    ecKey.privateKey.export({ format: "pem", type: "pkcs8", ...locked }).toString(),
    toAgent,
  ],
  [
    "protected, in SEC 1",
    ecKey.privateKey.export({ format: "pem", type: "sec1", ...locked }).toString(),
    toAgent,
  ],
  [
    "for PuTTY",
    "PuTTY-User-Key-File-3: ssh-ed25519\n",
    "is a PuTTY key; convert it with puttygen -O private-openssh",
  ],
  ["cut off", privateKey.slice(0, -30), "is cut off: its END line is missing"],
  [
    "damaged",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    "is damaged: it does not decode as an OpenSSH private key",
  ],
  ["something else", "hello", "is not a private key; give one in OpenSSH or PEM format"],
] as const) {
  test(`a key file that is ${what} is refused`, () => {
    assert.deepEqual(problems({}, { [keyPath]: contents }), [
      `ssh.privateKeyFile: "~/.ssh/id_ed25519" ${problem}.`,
    ]);
  });
}

for (const [code, reason] of [
  ["EACCES", "cannot be read by this user"],
  ["EISDIR", "is a folder; give the file"],
  ["EIO", "cannot be read (no luck)"],
] as const) {
  test(`a key file that gives ${code} is refused`, () => {
    const fail = (path: string) => {
      if (path !== keyPath) return `* ${hostKey()}`;
      throw Object.assign(new Error("no luck"), { code });
    };
    assert.deepEqual(parseConfig(right, fail, { HOME: "/home/me" }).problems, [
      `ssh.privateKeyFile: "~/.ssh/id_ed25519" ${reason}.`,
    ]);
  });
}

test("no sentence shows a private key, wherever it was put by mistake", () => {
  const misplaced = [
    ssh({ privateKeyFile: privateKey }),
    ssh({ privateKey }),
    ssh({ user: privateKey }),
    ssh({ knownHostsFile: privateKey }),
    ssh({ bastion: { address: privateKey } }),
    { nodes: privateKey },
    { sshPrivateKey: `${privateKey.slice(0, 60)}` },
    { clusterName: privateKey },
    { ssh: privateKey },
  ];
  for (const values of misplaced) {
    const sentences = problems(values);
    assert.ok(sentences.length > 0);
    assert.ok(!sentences.join("\n").includes("PRIVATE KEY"), sentences.join("\n"));
  }
  assert.deepEqual(problems(ssh({ privateKeyFile: privateKey })), [
    "ssh.privateKeyFile: holds a key, not a path; put the key into the secret sshPrivateKey.",
  ]);
});

test("a host without a known key is refused with the command that shows it", () => {
  const known = ["192.168.1.101", "192.168.1.103"].map((host) => `${host} ${hostKey()}`).join("\n");
  const sentence = (host: string, scan: string) =>
    `nodes[1].hostKey: no host key is known for ${host}; run "${scan}", compare it with the host's own /etc/ssh/ssh_host_ed25519_key.pub, and set hostKey or add it to ssh.knownHostsFile.`;
  assert.deepEqual(problems({}, { [hostsPath]: known }), [
    sentence("192.168.1.102", "ssh-keyscan -t ed25519 192.168.1.102"),
  ]);
  const nodes = right.nodes.map((node) => (node.name === "node2" ? { ...node, sshPort: 2222 } : node));
  assert.deepEqual(problems({ nodes }, { [hostsPath]: known }), [
    sentence("192.168.1.102:2222", "ssh-keyscan -t ed25519 -p 2222 192.168.1.102"),
  ]);
});

test("hostKey of a node comes before known_hosts, and must be a key", () => {
  const withKey = (key: string) => ({
    nodes: right.nodes.map((node) => (node.name === "node2" ? { ...node, hostKey: key } : node)),
  });
  assert.equal(config(withKey(hostKey("ssh-ed25519", 7))).nodes[1]?.hostKey, hostKey("ssh-ed25519", 7));
  assert.deepEqual(problems(withKey("SHA256:xyz")), [
    "nodes[1].hostKey: the value is a fingerprint; give the key itself, like ssh-ed25519 AAAA….",
  ]);
});

test("keys that cannot be pinned say why", () => {
  const forSecond = (lines: string) => `192.168.1.101,192.168.1.103 ${hostKey()}\n${lines}`;
  const rsa = problems({}, { [hostsPath]: forSecond(`192.168.1.102 ${hostKey("ssh-rsa")}`) });
  assert.deepEqual(rsa, [
    'nodes[1].hostKey: only an RSA key is known for 192.168.1.102, which cannot be pinned (today\'s sshd does not sign with ssh-rsa); use its ed25519 or ecdsa key ("ssh-keyscan -t ed25519 192.168.1.102", then compare).',
  ]);
  const revoked = forSecond(
    `192.168.1.102 ${hostKey("ssh-ed25519", 9)}\n@revoked * ${hostKey("ssh-ed25519", 9)}`,
  );
  assert.deepEqual(problems({}, { [hostsPath]: revoked }), [
    "nodes[1].hostKey: the known host keys of 192.168.1.102 are marked @revoked; find out why before trusting the host again.",
  ]);
  const two = forSecond(
    `192.168.1.102 ${hostKey("ssh-ed25519", 8)}\n192.168.1.102 ${hostKey("ssh-ed25519", 9)}`,
  );
  assert.deepEqual(problems({}, { [hostsPath]: two }), [
    "nodes[1].hostKey: several different keys of one type are known for 192.168.1.102; keep the right one in ssh.knownHostsFile, or set hostKey.",
  ]);
});

test("a known_hosts file that cannot be read is named once", () => {
  assert.deepEqual(problems({}, { [hostsPath]: undefined }), [
    'ssh.knownHostsFile: "~/.ssh/known_hosts" does not exist.',
  ]);
});

test("a lost host is not dialled, so its key need not be known", () => {
  const nodes = [...right.nodes, { name: "node4", address: "172.16.0.4", lost: true }];
  assert.deepEqual(read({ nodes }).config?.nodes[3]?.hostKey, "");
});

test("a bastion has its own port and key, and the hosts' user unless told otherwise", () => {
  const bastion = { address: "gate.example.com" };
  assert.deepEqual(config(ssh({ bastion })).ssh.bastion, {
    address: "gate.example.com",
    port: 22,
    user: "root",
    hostKey: hostKey(),
  });
  const own = { address: "172.16.0.1", port: 2200, user: "jump", hostKey: hostKey("ecdsa-sha2-nistp256") };
  assert.deepEqual(config(ssh({ bastion: own })).ssh.bastion, own);
  assert.deepEqual(problems(ssh({ bastion: { port: 22 } })), [
    "ssh.bastion.address: is missing; give the bastion's address.",
  ]);
  assert.match(
    problems(ssh({ bastion: { address: "172.16.0.1" } })).join(),
    /^ssh\.bastion\.hostKey: no host key is known/,
  );
});

test("behind a bastion the keys are asked for from there", () => {
  const nodes = [{ name: "a", address: "172.16.0.9" }];
  const [sentence] = problems({ nodes, ...ssh({ bastion: { address: "gate.example.com" } }) });
  assert.match(sentence ?? "", /run "ssh-keyscan -t ed25519 172\.16\.0\.9" on the bastion, compare/);
});

test("a user name is whatever OpenSSH takes for one", () => {
  for (const user of ["ops@corp.example.com", "CORP\\ops", "CORP\\first last", "web$", "ünal", "7", "_x.y-z"])
    assert.deepEqual(problems(ssh({ user })), [], user);
  for (const user of [
    "root; reboot",
    "-oProxyCommand=x",
    "a -b",
    "`id`",
    "$(id)",
    "a\nb",
    "it's",
    "ops\\",
    "CORP\\\\ops",
    " ops",
  ])
    assert.deepEqual(problems(ssh({ user })), [
      `ssh.user: ${JSON.stringify(user)} is not a user name; write it like root.`,
    ]);
});

test("keys of ssh that mean nothing are refused", () => {
  assert.deepEqual(problems(ssh({ pasword: "x", password: "y" })), [
    "ssh.pasword: no such setting; choose from user, port, privateKeyFile, agent, knownHostsFile, bastion.",
    "ssh.password: passwords are not supported; use a key or the agent.",
  ]);
});
