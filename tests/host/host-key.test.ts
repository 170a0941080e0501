// The ssh host key of a machine that the program creates: brought by the first connection, and then the only one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { test } from "node:test";
import { type Host, permissions } from "./host.ts";
import { machine } from "./volumes.ts";

const ED25519 = "etc/ssh/ssh_host_ed25519_key";
const ECDSA = "etc/ssh/ssh_host_ecdsa_key";

/** As cloud-init leaves it, with an sshd of that name. */
function booted(host: Host, unit = "ssh.service"): Host {
  makeKey(host, ECDSA, "ecdsa");
  host.write("systemd/active", `${unit}\n`);
  return host;
}

function makeKey(host: Host, file: string, type: string): void {
  fs.mkdirSync(host.file("etc/ssh"), { recursive: true });
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "", "-f", host.file(file)]);
}

/** A host key as Pulumi sends it: the private one, and what is to be served. */
function sent(host: Host): readonly [privateKey: string, publicKey: string] {
  makeKey(host, "sent", "ed25519");
  const both = [host.read("sent"), host.read("sent.pub").trim()] as const;
  for (const file of ["sent", "sent.pub"]) fs.rmSync(host.file(file));
  return both;
}

const reloads = (host: Host) => host.systemdCalls().filter((call) => call.startsWith("reload"));

for (const unit of ["ssh.service", "sshd.service"])
  test(`a first connection brings the host key, and ${unit} serves it beside the first one`, async (t) => {
    const host = booted(machine(t), unit);
    const [privateKey, publicKey] = sent(host);
    const { [ECDSA]: first, [`${ECDSA}.pub`]: firstPublic } = host.snapshot();
    const { code, stdout, stderr } = await host.run(["host-key", "--machine=i-1"], { stdin: privateKey });
    assert.deepEqual([code, stdout, stderr], [0, "", ""]);
    assert.equal(host.read(ED25519), privateKey);
    assert.equal(host.read(`${ED25519}.pub`).trim(), publicKey);
    assert.deepEqual(
      [ED25519, `${ED25519}.pub`].map((file) => permissions(host.file(file))),
      ["600 0:0", "644 0:0"],
    );
    const after = host.snapshot();
    assert.deepEqual([after[ECDSA], after[`${ECDSA}.pub`]], [first, firstPublic]);
    assert.deepEqual(reloads(host), [`reload ${unit}`]);
    assert.deepEqual(
      host.list("run/etcd-host").filter((file) => file.startsWith(".")),
      [],
    );
    assert.match(host.read("tools"), /^cloud-init status --wait$/m); // it deletes and writes host keys
  });

test("another one of the image is replaced, and the same one can come again", async (t) => {
  const host = booted(machine(t));
  makeKey(host, ED25519, "ed25519");
  const [privateKey] = sent(host);
  for (const _ of ["first", "again"]) {
    assert.equal((await host.run(["host-key"], { stdin: privateKey })).code, 0);
    assert.equal(host.read(ED25519), privateKey);
  }
});

test("a part of a key is none, and nothing is changed", async (t) => {
  const host = booted(machine(t));
  const [privateKey] = sent(host);
  const before = host.snapshot();
  for (const stdin of ["", privateKey.slice(0, 200)]) {
    const { code, stderr } = await host.run(["host-key"], { stdin });
    assert.equal(code, 3);
    assert.equal(
      stderr,
      "etcd-host: refused: what came on stdin is not a whole host key; run pulumi up again\n",
    );
    assert.deepEqual({ ...host.snapshot(), tools: "" }, { ...before, tools: "" });
  }
  assert.deepEqual(reloads(host), []);
});

test("an sshd that does not take it is told of; where none runs until a connection comes there is none to tell", async (t) => {
  const host = booted(machine(t));
  const [stdin] = sent(host);
  host.fake("systemctl", `[ "$1" != reload ] || exit 1\nexec '${import.meta.dirname}/fakes/systemctl' "$@"`);
  const { code, stderr } = await host.run(["host-key"], { stdin });
  assert.equal(code, 1);
  assert.match(stderr, /failed: ssh\.service cannot be reloaded, .*; see 'systemctl status ssh\.service' /);
  host.write("systemd/active", "");
  assert.equal((await host.run(["host-key"], { stdin })).code, 0);
});

const drop = (host: Host) => host.shell("drop_first_host_key");

test("the next step, which was reached by it, takes the first key away, once", async (t) => {
  const host = booted(machine(t));
  await host.run(["host-key"], { stdin: sent(host)[0] });
  for (const _ of ["first", "again"]) {
    const { code, stdout, stderr } = await drop(host);
    assert.deepEqual([code, stdout, stderr], [0, "", ""]);
    assert.deepEqual(host.list("etc/ssh"), ["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"]);
  }
  assert.equal(reloads(host).length, 2);
});

test("cut off before sshd has heard of it, the next one tells it again", async (t) => {
  const host = booted(machine(t));
  fs.rmSync(host.file(ECDSA));
  assert.equal((await drop(host)).code, 0);
  assert.deepEqual(reloads(host), ["reload ssh.service"]);
  assert.deepEqual(host.list("etc/ssh"), []);
});
