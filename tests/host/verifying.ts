// A host that every step has run on, and what the stack declares of it.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { FakeCluster, pki } from "./cluster.ts";
import type { Host, Result } from "./host.ts";
import { servingHost } from "./member.ts";
import { VERSION } from "./mirror.ts";
import { PKI_FILES } from "./pki.ts";

const BINARIES = ["etcd", "etcdctl", "etcdutl"];

export async function declaredHost(t: TestContext): Promise<Host> {
  return declare(await servingHost(t));
}

/** The same among members that answer. */
export async function declaredCluster(t: TestContext): Promise<FakeCluster> {
  const cluster = await FakeCluster.around(t, await servingHost(t, pki), () => ({}));
  await declare(cluster.host);
  cluster.answer();
  return cluster;
}

/** Each step leaves its declaration. */
async function declare(host: Host): Promise<Host> {
  host.write("usr/local/sbin/etcd-host", "the program\n", 0o755);
  const binaries = BINARIES.map((binary) => `"$OPT_DIR/${VERSION}/${binary}"`);
  const files = PKI_FILES.map((file) => `"$ETC_DIR/pki/${file}"`);
  await host.shell('declare_files prepare "$PROGRAM"');
  await host.shell(`declare_files install ${binaries.join(" ")}`);
  await host.shell(`declare_files certificates ${files.join(" ")}`);
  return host;
}

/** A file beside the unit, which systemd has loaded. */
export function dropIn(host: Host, file: string): void {
  const target = path.join("etc/systemd/system", file);
  host.write(target, "[Service]\nNice=5\n");
  const [, before = ""] = /^DropInPaths=(.*)\n/m.exec(host.read("systemd/properties")) ?? [];
  const others = host.read("systemd/properties").replace(/^DropInPaths=.*\n/m, "");
  host.write("systemd/properties", `${others}DropInPaths=${`${before} ${host.file(target)}`.trim()}\n`);
}

/** What the stack sends: files with their digests, the release and the members. */
export function declaration({ host, declared }: FakeCluster): string[] {
  const files = [host.paths.PROGRAM, host.paths.UNIT_FILE, host.file("etc/etcd/pki/server.crt")];
  return [
    ...files.map((file) => `file ${sha256(fs.readFileSync(file))} ${file}`),
    `release ${VERSION} 0123 0123`,
    ...declared.map((line) => line.trim()),
  ];
}

export function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The question as `npm run verify` asks it. */
export function verifyDeclared(host: Host, lines: readonly string[], incarnation = "0"): Promise<Result> {
  const stdin = lines.map((line) => `${line}\n`).join("");
  return host.run(["verify", "--name=node1", `--incarnation=${incarnation}`, "--declared"], { stdin });
}
