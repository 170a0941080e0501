/** A real Prometheus where the lab's hosts can be reached, and what it answers. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { labCommand } from "../../lab/describe.ts";
import { findPrometheus } from "../../lab/prometheus/find.ts";
import { lab, labEnv, must } from "./lab.ts";

const ADDRESS = "127.0.0.1:9090"; // of the lab's client, not of this machine

export interface FiringAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

interface RuleGroup {
  readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
}

export class Prometheus {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** Runs with the prometheus.yml of a folder. */
  static async start(folder: string): Promise<Prometheus> {
    const program = join(await findPrometheus(), "prometheus");
    const flags = [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=${ADDRESS}`,
      "--log.level=error",
    ];
    const child = spawn(labCommand, ["exec", program, ...flags], {
      env: labEnv,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const prometheus = new Prometheus(child);
    const ready = async () => (await lab("exec", "curl", "-sf", url("/-/ready"))).code === 0;
    await until("Prometheus answers", ready).catch(async (error: unknown) => {
      await prometheus.stop();
      throw error;
    });
    return prometheus;
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    if (this.#process.kill()) await ended;
  }

  async query(expr: string): Promise<readonly Sample[]> {
    const { result } = await ask<{ readonly result: readonly Sample[] }>("query", `query=${expr}`);
    return result;
  }

  async targets(): Promise<readonly Target[]> {
    return (await ask<{ readonly activeTargets: readonly Target[] }>("targets")).activeTargets;
  }

  async rules(): Promise<RuleGroup["rules"]> {
    const { groups } = await ask<{ readonly groups: readonly RuleGroup[] }>("rules");
    return groups.flatMap(({ rules }) => rules);
  }

  async alerts(): Promise<readonly FiringAlert[]> {
    return (await ask<{ readonly alerts: readonly FiringAlert[] }>("alerts")).alerts;
  }
}

function url(path: string): string {
  return `http://${ADDRESS}${path}`;
}

async function ask<Answer>(what: string, ...parameters: readonly string[]): Promise<Answer> {
  const data = parameters.flatMap((parameter) => ["--data-urlencode", parameter]);
  const { stdout } = await must(lab("exec", "curl", "-sS", "-G", url(`/api/v1/${what}`), ...data));
  const answer = JSON.parse(stdout);
  if (answer.status !== "success") throw new Error(`Prometheus: ${answer.error}`);
  return answer.data;
}

/** Asks again until it is true; fails after a minute. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
