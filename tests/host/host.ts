// A host in a temporary folder: the real program run by a real sh, with its paths and a few commands replaced.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { hostProgram } from "../../host/program.ts";

/** Number of the user and the group etcd, which the machine of the tests need not have. */
export const ETCD_ID = 64321;

export const FAKES = path.join(import.meta.dirname, "fakes");
const MAIN = 'main "$@"\n';
const SYSTEM_PATH = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The sh of Debian, or that of Red Hat and Amazon Linux. @default dash */
  readonly shell?: "dash" | "bash";
}

export class Host {
  readonly root: string;
  /** Where the program looks for its things, as it looks on a host. */
  readonly paths: Readonly<Record<keyof typeof VARIABLES, string>>;
  #path: string;

  private constructor(root: string) {
    this.root = root;
    this.paths = moved(root);
    this.#path = [path.join(root, "fakes"), FAKES, ...SYSTEM_PATH].join(":");
  }

  /** A healthy host that nothing has been done to; it goes with its test. */
  static create(t: TestContext): Host {
    const host = new Host(fs.mkdtempSync(path.join(os.tmpdir(), "etcd-host-test-")));
    t.after(() => fs.rmSync(host.root, { recursive: true, force: true }));
    fs.chmodSync(host.root, 0o755);
    for (const dir of [
      "fakes",
      "etc/systemd/system",
      "opt",
      "run/systemd/system",
      "usr/local/bin",
      "usr/local/sbin",
      "var/lib",
    ])
      fs.mkdirSync(host.file(dir), { recursive: true });
    host.write("systemd/properties", "ActiveState=inactive\nSubState=dead\nMainPID=0\n");
    host.write("systemd/active", "systemd-timesyncd\n");
    host.write("systemd/enabled", "disabled\n");
    host.write("systemd/start", "");
    host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    host.write("etc/group", "root:x:0:\n");
    host.write("proc/net/tcp", "");
    host.write("proc/net/tcp6", "");
    host.write("proc/meminfo", "MemTotal:        8000000 kB\nSwapTotal:             0 kB\n");
    host.write(
      "proc/1/limits",
      "Max open files            524288               524288               files\n",
    );
    return host;
  }

  file(...parts: string[]): string {
    return path.join(this.root, ...parts);
  }
  read(file: string): string {
    return fs.readFileSync(path.resolve(this.root, file), "utf8");
  }
  exists(file: string): boolean {
    return fs.existsSync(path.resolve(this.root, file));
  }
  list(dir: string): string[] {
    return fs.readdirSync(path.resolve(this.root, dir)).sort();
  }
  write(file: string, content: string | Buffer, mode = 0o644): void {
    const target = path.resolve(this.root, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, content, { mode });
  }
  /** Puts a binary of etcd where `install` does, with the record that lets it run. */
  binary(name: string, content: string | Buffer, version = "3.6.14"): void {
    const folder = `opt/etcd/${version}`;
    this.write(`${folder}/${name}`, content, 0o755);
    const digests = ["etcd", "etcdctl", "etcdutl"]
      .filter((binary) => this.exists(`${folder}/${binary}`))
      .map((binary) => `${this.#sha256(`${folder}/${binary}`)}  ${this.file(folder, binary)}\n`);
    this.write(`var/lib/etcd-host/installed-${version}`, `0123  archive\n${digests.join("")}`, 0o600);
  }
  /** Links etcdctl as the member's step does. */
  link(version = "3.6.14"): void {
    const link = this.file("usr/local/bin/etcdctl");
    fs.rmSync(link, { force: true });
    fs.symlinkSync(this.file("opt/etcd", version, "etcdctl"), link);
  }
  #sha256(file: string): string {
    return createHash("sha256")
      .update(fs.readFileSync(this.file(file)))
      .digest("hex");
  }
  /** Puts a command before all others of its name. */
  fake(command: string, body: string): void {
    this.write(`fakes/${command}`, `#!/bin/sh\n${body}\n`, 0o755);
  }
  /** Makes commands missing: the others that the program names stay, behind links. */
  hide(...commands: string[]): void {
    const links = this.file("commands");
    fs.mkdirSync(links);
    const named = new Set(hostProgram().match(/[a-z][\w-]*/g));
    for (const command of named) {
      const folder = [FAKES, ...SYSTEM_PATH].find((dir) => fs.existsSync(path.join(dir, command)));
      if (folder !== undefined && !commands.includes(command))
        fs.symlinkSync(path.join(folder, command), path.join(links, command));
    }
    this.#path = `${this.file("fakes")}:${links}`;
  }
  /** What was asked of systemd, without the questions. */
  systemdCalls(): string[] {
    const calls = this.exists("systemd/calls") ? this.read("systemd/calls").trim().split("\n") : [];
    return calls.filter((call) => !/^($|show|is-|--version)/.test(call));
  }

  /** Runs the program as a step does: `etcd-host SUBCOMMAND --option=value …`. */
  run(args: readonly string[], surroundings: Surroundings = {}): Promise<Result> {
    return this.#start(MAIN, args, surroundings);
  }
  /** Runs a few lines of shell among the program's functions, with options parsed as always. */
  shell(snippet: string, args: readonly string[] = [], surroundings: Surroundings = {}): Promise<Result> {
    return this.#start(`parse_options "$@"\n${snippet}\n`, args, surroundings);
  }
  spawn(ending: string, args: readonly string[], { env = {}, shell = "dash" }: Surroundings = {}) {
    const program = this.file(`program-${Math.random().toString(36).slice(2)}.sh`);
    fs.writeFileSync(program, this.#program(ending));
    return spawn(shell, [program, ...args], {
      argv0: "sh",
      env: { ...env, HOST_ROOT: this.root, SYSTEMD: this.file("systemd"), PATH: "/usr/bin:/bin" },
    });
  }

  async #start(ending: string, args: readonly string[], surroundings: Surroundings): Promise<Result> {
    const child = this.spawn(ending, args, surroundings);
    child.stdin.on("error", () => {}); // not every step reads all of its input
    child.stdin.end(surroundings.stdin ?? "");
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    return { code, stdout, stderr };
  }

  #program(ending: string): string {
    const program = hostProgram();
    if (!program.endsWith(MAIN)) throw new Error("the program no longer ends with its main");
    const overrides = Object.entries(this.paths).map(([name, value]) => `${name}='${value}'\n`);
    return `${program.slice(0, -MAIN.length)}${overrides.join("")}${NO_PATIENCE}PATH='${this.#path}'\n${ending}`;
  }

  /** Everything on the host with its mode, owner and content: equal before and after means that nothing changed. */
  snapshot(): Record<string, string> {
    const seen: Record<string, string> = {};
    const visit = (file: string) => {
      const relative = path.relative(this.root, file);
      if (NOT_THE_HOST.test(relative)) return;
      const stats = fs.lstatSync(file);
      const isFolder = stats.isDirectory();
      const content = stats.isSymbolicLink()
        ? fs.readlinkSync(file)
        : isFolder
          ? ""
          : fs.readFileSync(file, "base64");
      if (relative !== RUN_DIR)
        seen[relative] = `${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${content}`;
      if (isFolder) for (const child of fs.readdirSync(file)) visit(path.join(file, child));
    };
    visit(this.root);
    return seen;
  }
}

/** Mode and owner of a file, as `640 0:64321`. */
export function permissions(file: string): string {
  const { mode, uid, gid } = fs.statSync(file);
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}

/** Where the lock is: made by every step, whatever it then does. */
const RUN_DIR = "run/etcd-host";
/** Notes of the fakes, the program's own file and the lock are no part of what a step may change. */
const NOT_THE_HOST =
  /^(program-.*|asked(-before)?|commands|fakes|flock-calls|sleeps|systemd\/calls|run\/etcd-host\/lock(-\w+)?)$/;

/** Nothing settles by itself, unless a test says so. */
const NO_PATIENCE = "PROOF_SECONDS=0 HANDOVER_SECONDS=0 LAG_SECONDS=0\n";

const VARIABLES = {
  PROGRAM: "usr/local/sbin/etcd-host",
  STATE_DIR: "var/lib/etcd-host",
  SNAPSHOTS: "var/lib/etcd-host/snapshots",
  RUN_DIR: "run/etcd-host",
  SYSTEMD_DIR: "run/systemd/system",
  ETC_DIR: "etc/etcd",
  OPT_DIR: "opt/etcd",
  LINK_DIR: "usr/local/bin",
  UNIT_DIR: "etc/systemd/system",
  UNIT_FILE: "etc/systemd/system/etcd.service",
  DISKS: "dev/disk/by-id",
  SSH_DIR: "etc/ssh",
  VOLUME_DIR: "var/lib/etcd-volume",
  PROC: "proc",
  ACCOUNTS: "etc/passwd",
  PACKAGED_DATA: "var/lib/etcd",
  UFW_RULES: "etc/ufw/user.rules",
} as const;

function moved(root: string): Record<keyof typeof VARIABLES, string> {
  const at = (variable: keyof typeof VARIABLES) => path.join(root, VARIABLES[variable]);
  return {
    PROGRAM: at("PROGRAM"),
    STATE_DIR: at("STATE_DIR"),
    SNAPSHOTS: at("SNAPSHOTS"),
    RUN_DIR: at("RUN_DIR"),
    SYSTEMD_DIR: at("SYSTEMD_DIR"),
    ETC_DIR: at("ETC_DIR"),
    OPT_DIR: at("OPT_DIR"),
    LINK_DIR: at("LINK_DIR"),
    UNIT_DIR: at("UNIT_DIR"),
    UNIT_FILE: at("UNIT_FILE"),
    DISKS: at("DISKS"),
    SSH_DIR: at("SSH_DIR"),
    VOLUME_DIR: at("VOLUME_DIR"),
    PROC: at("PROC"),
    ACCOUNTS: at("ACCOUNTS"),
    PACKAGED_DATA: at("PACKAGED_DATA"),
    UFW_RULES: at("UFW_RULES"),
  };
}
