// What the tests of the preflight share: the options of the step, and one check alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host, type Result } from "./host.ts";

const CLUSTER = "etcd-1-0a1b2c";
const QUOTA = 2 * 1024 ** 3;

/** The options that Pulumi gives the step of node1. */
export function prepareOptions(host: Host, changed: Readonly<Record<string, string>> = {}): string[] {
  const options = {
    name: "node1",
    incarnation: "0",
    cluster: CLUSTER,
    owner: "urn:host",
    "check-id": "0",
    address: "192.0.2.11",
    listen: "192.0.2.11",
    "data-dir": host.file("var/lib/etcd"),
    quota: `${QUOTA}`,
    "metrics-url": "http://127.0.0.1:2381",
    "not-before": "2026-01-01T00:00:00Z",
    ...changed,
  };
  return Object.entries(options).map(([option, value]) => `--${option}=${value}`);
}
export function prepare(
  host: Host,
  changed: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  return host.run(["prepare", ...prepareOptions(host, changed)], { env });
}

/** A row of /proc/net/tcp: where it listens or is connected from, and its state (0A is LISTEN). */
export function socket(local: string, state: string, remote = "00000000:0000"): string {
  return `  sl  local_address rem_address   st\n   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000 0 0 1\n`;
}

export interface Case {
  /** Which of the check_* functions. */
  readonly check: string;
  readonly title: string;
  readonly arrange?: (host: Host) => void;
  readonly options?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly level: "ok" | "warn" | "refuse";
  readonly line: RegExp;
}

export function mark(
  host: Host,
  name: string,
  { dataDir = host.file("var/lib/etcd"), cluster = CLUSTER } = {},
): void {
  host.write(
    "var/lib/etcd-host/mark",
    `name=${name}\nincarnation=0\ncluster=${cluster}\ndata_dir=${dataDir}\n`,
    0o600,
  );
}
/** A member was started here, whether it still has data or not. */
export function started(host: Host): void {
  host.write("var/lib/etcd-host/bootstrapped", "0\n", 0o600);
}
export function running(host: Host): void {
  host.write("systemd/properties", "ActiveState=active\nSubState=running\nMainPID=4711\n");
}
export function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}

/** Each check alone: what it says, and that a refusal is the only thing that it does. */
export function testCases(cases: readonly Case[]): void {
  for (const { title, check, arrange, options, env, level, line } of cases)
    test(`${check}, ${level}: ${title}`, async (t) => {
      const host = Host.create(t);
      arrange?.(host);
      const before = host.snapshot();
      const snippet = `refusals=''; check_${check}; [ -z "$refusals" ] || refuse "$refusals"`;
      const { code, stdout, stderr } = await host.shell(
        snippet,
        prepareOptions(host, options),
        env ? { env } : {},
      );
      const report = (level === "ok" ? stdout : stderr).split("\n");
      const found = report.find(
        (entry) => entry.startsWith(level === "ok" ? "ok " : `etcd-host: ${level} `) && line.test(entry),
      );
      assert.ok(found, `${stdout}${stderr}`);
      assert.equal(code, level === "refuse" ? 3 : 0);
      assert.deepEqual(host.snapshot(), before);
    });
}
