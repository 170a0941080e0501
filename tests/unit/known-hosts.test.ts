import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { lookUpHostKey, parseHostKey } from "../../config/known-hosts.ts";
import { hostKey } from "./configuration.ts";

const ed25519 = hostKey("ssh-ed25519");
const ecdsa = hostKey("ecdsa-sha2-nistp256");
const rsa = hostKey("ssh-rsa");

test("a hashed entry is found by its host and by no other", () => {
  const salt = fc.uint8Array({ minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(
      salt,
      fc.domain(),
      fc.domain(),
      fc.integer({ min: 1, max: 65535 }),
      (bytes, host, other, port) => {
        fc.pre(host !== other);
        const name = port === 22 ? host : `[${host}]:${port}`;
        const hash = createHmac("sha1", bytes).update(name).digest("base64");
        const line = `|1|${Buffer.from(bytes).toString("base64")}|${hash} ${ed25519}`;
        assert.deepEqual(lookUpHostKey(line, host, port), { key: ed25519 });
        assert.deepEqual(lookUpHostKey(line, other, port), { missing: "no entry" });
        assert.deepEqual(lookUpHostKey(line, host, port === 22 ? 2222 : 22), { missing: "no entry" });
      },
    ),
  );
});

test("entries hashed by ssh-keygen -H are found", () => {
  const text = [
    `|1|8IFUyYasLSEk6yXp0WVsI8O5AlY=|2mpjWOINuJ+VEhMX0ciq953i9ZM= ${ed25519}`, // 192.168.1.101
    `|1|49lX7ECw/hL8AWVANaq5NgGccmg=|PsSzwaSK0jnPfk3gi0ALVfwg8D4= ${ed25519}`, // [192.168.1.102]:2222
  ].join("\n");
  assert.deepEqual(lookUpHostKey(text, "192.168.1.101", 22), { key: ed25519 });
  assert.deepEqual(lookUpHostKey(text, "192.168.1.102", 2222), { key: ed25519 });
  assert.deepEqual(lookUpHostKey(text, "192.168.1.102", 22), { missing: "no entry" });
});

test("plain entries name several hosts, by pattern, with exceptions and with ports", () => {
  const text = `# a comment\n\nnode1,10.0.0.*,!10.0.0.9 ${ed25519} root@node1\r\n[node2]:2222 ${ecdsa}\nnode?.lan ${ecdsa}`;
  assert.deepEqual(lookUpHostKey(text, "node1", 22), { key: ed25519 });
  assert.deepEqual(lookUpHostKey(text, "10.0.0.8", 22), { key: ed25519 });
  assert.deepEqual(lookUpHostKey(text, "10.0.0.9", 22), { missing: "no entry" });
  assert.deepEqual(lookUpHostKey(text, "10.0.008", 22), { missing: "no entry" }, "a dot is a dot");
  assert.deepEqual(lookUpHostKey(text, "node2", 2222), { key: ecdsa });
  assert.deepEqual(lookUpHostKey(text, "node2", 22), { missing: "no entry" });
  assert.deepEqual(lookUpHostKey(text, "node3.lan", 22), { key: ecdsa });
});

test("ed25519 comes before ecdsa, and RSA alone is not enough", () => {
  assert.deepEqual(lookUpHostKey(`a ${rsa}\na ${ecdsa}\na ${ed25519}`, "a", 22), { key: ed25519 });
  assert.deepEqual(lookUpHostKey(`a ${rsa}\na ${ecdsa}`, "a", 22), { key: ecdsa });
  assert.deepEqual(lookUpHostKey(`a ${rsa}`, "a", 22), { missing: "only RSA" });
});

test("two different keys of one type are not guessed between; the same key twice is one", () => {
  const other = hostKey("ssh-ed25519", 2);
  assert.deepEqual(lookUpHostKey(`a ${ed25519}\na ${other}`, "a", 22), { missing: "several keys" });
  assert.deepEqual(lookUpHostKey(`a ${ed25519}\n* ${ed25519}`, "a", 22), { key: ed25519 });
});

test("revoked keys are not trusted, and certificate authorities are no host keys", () => {
  assert.deepEqual(lookUpHostKey(`a ${ed25519}\n@revoked * ${ed25519}`, "a", 22), { missing: "revoked" });
  assert.deepEqual(lookUpHostKey(`a ${ed25519}\na ${ecdsa}\n@revoked * ${ed25519}`, "a", 22), { key: ecdsa });
  assert.deepEqual(lookUpHostKey(`@cert-authority a ${ed25519}`, "a", 22), { missing: "no entry" });
});

test("a host key given by itself is type and key, with the comment left out", () => {
  assert.deepEqual(parseHostKey(`${ed25519} root@node1\n`), { key: ed25519 });
  assert.deepEqual(parseHostKey(ecdsa), { key: ecdsa });
});

for (const [what, text, problem] of [
  ["a fingerprint", "SHA256:abc", /^is a fingerprint/],
  ["a line of known_hosts", `node1 ${ed25519}`, /^has something before the key/],
  ["an RSA key", rsa, /^is an RSA key, which cannot be pinned/],
  ["a word", "yes", /^is not a host key/],
  ["a key cut off", ed25519.slice(0, -9), /^is damaged/],
  ["a key of another type", `ssh-ed25519 ${ecdsa.split(" ")[1]}`, /^is damaged/],
] as const) {
  test(`${what} is no host key to pin`, () => {
    const parsed = parseHostKey(text);
    assert.match("problem" in parsed ? parsed.problem : "", problem);
  });
}
