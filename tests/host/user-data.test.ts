// What cloud-init is told on a machine's first boot.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { renderUserData, type UserDataSpec } from "../../host/user-data.ts";

const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\n";
const spec: UserDataSpec = {
  hostname: "node1",
  user: "admin",
  authorizedKeys: ["ssh-ed25519 AAAA ops", 'from="10.0.0.0/8",restrict ssh-ed25519 BBBB "quoted" # \\ {x}'],
  hostKey: { type: "ed25519", privateKey, publicKey: "ssh-ed25519 CCCC" },
};
const rendered = renderUserData(spec);

/** As cloud-init reads it. */
function read(text: string): Record<string, unknown> {
  return { ...Object(parse(text)) };
}

test("the first line says what it is, and the rest is YAML that cloud-init knows every part of", () => {
  assert.match(rendered, /^#cloud-config\n/);
  assert.deepEqual(read(rendered), {
    hostname: "node1",
    preserve_hostname: false,
    groups: ["admin"],
    users: [
      {
        name: "admin",
        primary_group: "admin",
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: spec.authorizedKeys,
      },
    ],
    disable_root: true,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: privateKey, ed25519_public: "ssh-ed25519 CCCC" },
    package_update: false,
    package_upgrade: false,
  });
});

test("the key of the first connection is of another type than the one that follows it: sshd serves both for a while", () => {
  const hostKey = { type: "ecdsa", privateKey, publicKey: "ecdsa-sha2-nistp256 CCCC" } as const;
  const { ssh_keys } = read(renderUserData({ ...spec, hostKey }));
  assert.deepEqual(ssh_keys, { ecdsa_private: privateKey, ecdsa_public: "ecdsa-sha2-nistp256 CCCC" });
});

test("the declared user is the only one: not the image's own, no root, and no password", () => {
  const { users, disable_root, ssh_pwauth } = read(rendered);
  assert.ok(Array.isArray(users) && !users.includes("default"));
  assert.deepEqual([users.length, disable_root, ssh_pwauth], [1, true, false]);
});

test("keys arrive as they were given, whatever is in them", () => {
  const { users, ssh_keys } = read(rendered);
  assert.deepEqual(Object(users)[0].ssh_authorized_keys, spec.authorizedKeys);
  assert.equal(Object(ssh_keys).ed25519_private, privateKey);
});

test("the same machine gets the same text, and another one another: it decides about a replacement", () => {
  assert.equal(renderUserData(structuredClone(spec)), rendered);
  for (const change of [
    { hostname: "node2" },
    { user: "ops" },
    { authorizedKeys: [] },
    { hostKey: { ...spec.hostKey, publicKey: "ssh-ed25519 DDDD" } },
  ]) {
    assert.notEqual(renderUserData({ ...spec, ...change }), rendered, JSON.stringify(change));
  }
});

test("seven keys of the longest kind fit into what EC2 takes, which is 16 KiB", () => {
  const authorizedKeys = Array.from(
    { length: 7 },
    () => `ssh-rsa ${"A".repeat(1372)} somebody@example.internal`,
  );
  const hostKey = {
    type: "ed25519",
    privateKey: privateKey.replace("AAAA", "A".repeat(400)),
    publicKey: `ssh-ed25519 ${"C".repeat(68)}`,
  } as const;
  const text = renderUserData({ ...spec, authorizedKeys, hostKey });
  assert.ok(Buffer.byteLength(text) < 16_384, String(Buffer.byteLength(text)));
});
