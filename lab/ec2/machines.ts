// Part of the simulated EC2: the lab's hosts behind instances and volumes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export interface Launch {
  readonly instance: string;
  readonly image: string;
  readonly address: string;
  readonly userData: string;
}

/** What can be done to machines; each promise resolves when it is done. A host is named by its address. */
export interface Machines {
  /** Undefined if no host can have that address. */
  hostNumber(address: string): number | undefined;
  launch(launch: Launch): Promise<void>;
  terminate(address: string): Promise<void>;
  stop(address: string): Promise<void>;
  start(address: string): Promise<void>;
  isRunning(address: string): Promise<boolean>;
  makeVolume(volume: string, gibibytes: number): Promise<void>;
  growVolume(volume: string, gibibytes: number): Promise<void>;
  dropVolume(volume: string): Promise<void>;
  attach(address: string, volume: string): Promise<void>;
  /** "busy" if the host has it mounted. */
  detach(address: string, volume: string, force: boolean): Promise<"detached" | "busy">;
}

const BUSY = 3;
const lab = fileURLToPath(new URL("../lab", import.meta.url));

/** The hosts of the lab that LAB_NAME, LAB_DIR and LAB_NET name. */
export class LabMachines implements Machines {
  readonly #dir: string;
  readonly #net: string;

  constructor(dir: string, net: string) {
    this.#dir = dir;
    this.#net = net;
  }

  hostNumber(address: string): number | undefined {
    if (!address.startsWith(`${this.#net}.`)) return undefined;
    const number = Number(address.slice(this.#net.length + 1)) - 100;
    return number >= 1 && number <= 99 ? number : undefined;
  }

  async launch({ instance, image, address, userData }: Launch): Promise<void> {
    const host = this.#host(address);
    const folder = path.join(this.#dir, "nodes", host, "ec2");
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "user-data"), userData, { mode: 0o600 });
    const name = `ip-${address.replaceAll(".", "-")}`;
    writeFileSync(
      path.join(folder, "meta-data"),
      `${JSON.stringify({ "instance-id": instance, "local-hostname": name })}\n`,
    );
    await run("__launch", host, image);
  }

  async terminate(address: string): Promise<void> {
    await run("__terminate", this.#host(address));
  }

  async stop(address: string): Promise<void> {
    await run("__halt", this.#host(address));
  }

  async start(address: string): Promise<void> {
    await run("__boot", this.#host(address));
  }

  async isRunning(address: string): Promise<boolean> {
    return (await call("__is_running", this.#host(address))).code === 0;
  }

  async makeVolume(volume: string, gibibytes: number): Promise<void> {
    const file = this.#volume(volume);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, "", { mode: 0o600 });
    truncateSync(file, gibibytes * 2 ** 30); // sparse: takes space only as it is written
  }

  async growVolume(volume: string, gibibytes: number): Promise<void> {
    truncateSync(this.#volume(volume), gibibytes * 2 ** 30);
    await run("__grown", volume);
  }

  async dropVolume(volume: string): Promise<void> {
    rmSync(this.#volume(volume), { force: true });
  }

  async attach(address: string, volume: string): Promise<void> {
    await run("__attach", this.#host(address), volume);
  }

  async detach(address: string, volume: string, force: boolean): Promise<"detached" | "busy"> {
    const args = ["__detach", this.#host(address), volume, ...(force ? ["force"] : [])];
    const { code, output } = await call(...args);
    if (code === BUSY) return "busy";
    if (code !== 0) throw new Error(output);
    return "detached";
  }

  #host(address: string): string {
    return String(this.hostNumber(address));
  }

  #volume(volume: string): string {
    return path.join(this.#dir, "ec2", "volumes", `${volume}.img`);
  }
}

async function run(...args: string[]): Promise<void> {
  const { code, output } = await call(...args);
  if (code !== 0) throw new Error(output || `lab ${args.join(" ")} ended with ${code}`);
}

/** Detached: an interrupted CLI must not leave half an instance. */
async function call(...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(lab, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
  const lines: Buffer[] = [];
  child.stderr.on("data", (data) => lines.push(data));
  const [code] = await once(child, "close");
  return { code: code ?? 1, output: Buffer.concat(lines).toString().trim() };
}
