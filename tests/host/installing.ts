// The step that installs a release, run on a prepared host.
import assert from "node:assert/strict";
import fs from "node:fs";
import type { TestContext } from "node:test";
import { Host, type Result } from "./host.ts";
import { ARCHIVE, sha256, VERSION } from "./mirror.ts";

export const installed = `opt/etcd/${VERSION}`;
export const record = `var/lib/etcd-host/installed-${VERSION}`;

/** A prepared host of an amd64 machine. */
export function preparedHost(t: TestContext): Host {
  const host = Host.create(t);
  host.fake("uname", "echo x86_64");
  host.write("var/lib/etcd-host/mark", "name=node1\nincarnation=0\n", 0o600);
  fs.mkdirSync(host.paths.OPT_DIR);
  return host;
}

/** The step as Pulumi runs it. */
export function install(
  host: Host,
  mirror: string,
  changed: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const options = {
    name: "node1",
    incarnation: "0",
    owner: "urn:install",
    version: VERSION,
    "sha256-amd64": sha256(ARCHIVE),
    "sha256-arm64": "0".repeat(64),
    mirror,
    ...changed,
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  return host.run(["install", ...args], { env });
}

/** The step fails with this code and sentence, and leaves no file behind. */
export async function installsNothing(
  host: Host,
  mirror: string,
  code: number,
  sentence: RegExp,
  changed = {},
): Promise<void> {
  const before = host.snapshot();
  const result = await install(host, mirror, changed);
  assert.equal(result.code, code, result.stderr);
  assert.match(result.stderr, sentence);
  assert.equal(result.stderr.trimEnd().split("\n").length, 1, "one line says it all");
  assert.deepEqual(host.snapshot(), before);
}
