// Commands that a command of ours calls: a pulumi that knows one stack of three hosts, and others that only tell.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execPath } from "node:process";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { hostKey, privateKey } from "../unit/configuration.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const nodes = [1, 2, 3].map((n) => ({ name: `node${n}`, address: `10.0.0.${n}`, hostKey: hostKey() }));
export const endpoints = nodes.map(({ address }) => `https://${address}:2379`);
const config = {
  "etcd:nodes": { value: JSON.stringify(nodes) },
  "etcd:ssh": { value: JSON.stringify({ user: "root" }) },
  "etcd:sshPrivateKey": { value: privateKey, secret: true },
};

/** A folder with stand-ins, which is all that is on the PATH beside the system's own commands. */
export class StandIns {
  readonly dir: string;

  constructor(t: TestContext) {
    this.dir = fs.mkdtempSync(join(os.tmpdir(), "cli-"));
    t.after(() => fs.rmSync(this.dir, { recursive: true }));
    this.write("config.json", JSON.stringify(config));
    this.write("endpoints.json", JSON.stringify(endpoints));
    this.write("bundle.json", JSON.stringify({ caCert: "ca", cert: "cert", key: "key" }));
    this.write(
      "outputs.json",
      JSON.stringify({ clients: { app1: { caCert: "ca", cert: "app1's", key: "app1's key" } } }),
    );
    this.command(
      "pulumi",
      `case $* in
        *'output --show-secrets'*) cat "$DIR/outputs.json" ;;
        *clientBundle*) cat "$DIR/bundle.json" ;;
        *endpoints*) cat "$DIR/endpoints.json" ;;
        *) cat "$DIR/config.json" ;;
      esac`,
    );
  }

  command(name: string, body: string): void {
    this.write(`bin/${name}`, `#!/bin/sh\nDIR='${this.dir}'\n${body}\n`, 0o755);
  }
  write(file: string, content: string | Buffer, mode = 0o644): void {
    const path = join(this.dir, file);
    fs.mkdirSync(dirname(path), { recursive: true });
    fs.writeFileSync(path, content, { mode });
  }
  read(file: string): string {
    return fs.readFileSync(join(this.dir, file), "utf8");
  }
  list(): readonly string[] {
    return fs.readdirSync(this.dir).sort();
  }

  /** `npm run NAME -- ARGS…`, to its end. */
  run(name: string, ...args: string[]) {
    return this.start(name, ...args).ended;
  }

  /** The same, while it is under way. */
  start(name: string, ...args: string[]) {
    const path = [join(this.dir, "bin"), "/usr/bin", "/bin"].join(delimiter);
    const options = { cwd: this.dir, env: { PATH: path, HOME: this.dir } };
    const child = spawn(execPath, [join(repository, `cli/${name}/${name}.ts`), ...args], options);
    child.stdin.end();
    const all = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { child, ended: all.then(([stdout, stderr, [code]]) => ({ code, stdout, stderr })) };
  }
}
