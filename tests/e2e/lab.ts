/** The lab of the end-to-end tests: one of their own, so that a lab that the user has up stays as it is. */

import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describeLab, labCommand } from "../../lab/describe.ts";

/** What is built once, for all labs. */
export const cache =
  process.env.ETCD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "etcd-cluster");

export const labEnv: NodeJS.ProcessEnv = {
  ...process.env,
  LAB_NAME: process.env.E2E_LAB_NAME ?? "etcdtest",
  LAB_DIR: process.env.E2E_LAB_DIR ?? join(cache, "lab-test"),
};

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, for messages. */
  readonly all: string;
}

/** Runs `lab ARGS…`; whatever its exit code, the result tells it. */
export async function lab(...args: string[]): Promise<Result> {
  return run(labCommand, args);
}

/** Runs a command to its end. */
export async function run(command: string, args: readonly string[], env = labEnv): Promise<Result> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { env, maxBuffer: 1 << 28 });
    return { code: 0, stdout, stderr, all: stdout + stderr };
  } catch (error) {
    if (!(error instanceof Error) || !("stdout" in error) || !("stderr" in error)) throw error;
    const code = "code" in error && typeof error.code === "number" ? error.code : 1;
    const stdout = String(error.stdout);
    const stderr = String(error.stderr);
    return { code, stdout, stderr, all: stdout + stderr };
  }
}

/** What the tests' clusters are on. `aws` lets files that know of no target run on the simulated EC2, as they are. */
export const target = process.env.E2E_TARGET === "aws" ? "aws" : "ssh";

/** A lab of bare hosts: those of an earlier test are gone. On EC2 none are there before the first `up`. */
export async function bareHosts(count: number): Promise<void> {
  await must(lab("down"));
  await must(lab("up", target === "aws" ? "0" : String(count)));
  if (target === "aws") await must(lab("image"));
  await must(lab("engine"));
}

export async function labDown(): Promise<void> {
  await must(lab("down"));
}

/** The result of a call that has to succeed. */
export async function must(result: Promise<Result>): Promise<Result> {
  const done = await result;
  if (done.code !== 0) throw new Error(`exit code ${done.code}: ${done.all}`);
  return done;
}

/** Runs a shell script as root on host N, past the network; returns its output. */
export async function onHost(n: number, script: string): Promise<string> {
  const { stdout } = await must(lab("enter", String(n), "sh", "-c", script));
  return stdout.trimEnd();
}

/** Everything on a host that the program could have changed, to compare before and after. */
export function footprint(n: number): Promise<string> {
  return onHost(
    n,
    `ls -lAR --time-style=full-iso /etc/etcd /opt/etcd /var/lib/etcd* /usr/local/bin /usr/local/sbin /etc/systemd/system 2>/dev/null
     ls -d /tmp/tmp.* /tmp/etcd-host.* /usr/local/*/.etcd-host-* /var/lib/.etcd-host-* 2>/dev/null
     getent passwd etcd; systemctl show etcd -p MainPID -p ActiveState -p ExecMainStartTimestamp; true`,
  );
}

export { describeLab };
