// The certificates step, and hosts for it: prepared, with certificates, with a running etcd.
import assert from "node:assert/strict";
import fs from "node:fs";
import type { TestContext } from "node:test";
import { ETCD_ID, Host, permissions, type Result } from "./host.ts";
import {
  ADDRESS,
  type Authority,
  type LeafOptions,
  makePki,
  PKI_FILES,
  type Pki,
  pkiMode,
  pkiStream,
  placePki,
} from "./pki.ts";

export const pki = makePki();

export function preparedHost(t: TestContext): Host {
  const host = Host.create(t);
  host.write("var/lib/etcd-host/mark", "name=node1\nincarnation=0\n", 0o600);
  fs.mkdirSync(host.paths.ETC_DIR);
  return host;
}

/** A prepared host that has these certificates, written as the step writes them. */
export function hostWith(t: TestContext, present: Pki): Host {
  const host = preparedHost(t);
  placePki(host, present);
  return host;
}

/** A host whose etcd runs, started with the CAs of this set. */
export function runningHost(t: TestContext, started: Pki): Host {
  const host = preparedHost(t);
  host.write("systemd/properties", "ActiveState=active\nSubState=running\nMainPID=4711\n");
  for (const file of ["client-ca.crt", "peer-ca.crt"] as const)
    host.write(`run/etcd-host/started/${file}`, started[file]);
  return host;
}

/** The step as Pulumi runs it. */
export function certificates(
  host: Host,
  sent: Partial<Pki>,
  changed: Readonly<Record<string, string>> = {},
  env = {},
): Promise<Result> {
  const options = {
    name: "node1",
    incarnation: "0",
    owner: "urn:certificates",
    address: ADDRESS,
    ...changed,
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  return host.run(["certificates", ...args], { stdin: pkiStream(sent), env });
}

export function hasSet(host: Host, expected: Pki): void {
  assert.match(fs.readlinkSync(host.file("etc/etcd/pki")), /^pki-[0-9a-f]{12}$/);
  for (const file of PKI_FILES) {
    assert.equal(host.read(`etc/etcd/pki/${file}`), expected[file], file);
    assert.equal(permissions(host.file("etc/etcd/pki", file)), pkiMode(file), file);
  }
  assert.equal(permissions(host.file("etc/etcd/pki/")), `750 0:${ETCD_ID}`);
  assert.deepEqual(host.list("etc/etcd"), ["pki", fs.readlinkSync(host.file("etc/etcd/pki"))]);
}

/** The set with one leaf made otherwise. */
export function withLeaf(
  leaf: "server" | "peer" | "operator",
  authority: Authority,
  options: LeafOptions = {},
): Pki {
  const { certificate, key } = authority.issue(
    "node1",
    leaf === "operator" ? { names: "", ...options } : options,
  );
  return { ...pki, [`${leaf}.crt`]: certificate, [`${leaf}.key`]: key };
}
