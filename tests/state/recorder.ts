// The provider `command` for tests of what the engine calls: it notes each text and runs none of them.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { commandType, REMOTE, type Run } from "../../lab/engine/command-type.ts";
import { type Properties, text } from "../../lab/engine/properties.ts";
import { serve } from "../../lab/engine/provider.ts";

const folder = process.env.RECORDED ?? "";
const note = (line: string) => appendFileSync(join(folder, "calls"), `${line}\n`);

/** `node2-member start`: whose text it is, and what it asks of etcd-host. */
const record: Run = async (command, properties, { name }) => {
  const [, subcommand = ""] = /(?:etcd-host|"\$f") ([a-z][a-z-]*) --/.exec(command) ?? [];
  const call = `${name} ${subcommand}`;
  note(call);
  if (saved("hold") === call) {
    await writeFile(join(folder, "started"), "");
    await readFile(join(folder, "gate")); // until somebody writes to it
  }
  if (saved("refuse") === subcommand) throw new Error("Process exited with status 3");
  return { stdout: subcommand === "prove" ? proof(properties) : "", stderr: "" };
};

function saved(file: string): string {
  return existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : "";
}

/** As `etcd-host prove` prints it: what is to be recorded comes at the end of stdin. */
function proof(properties: Properties): string {
  const [, deployed = ""] = (text(properties, "stdin") ?? "").split("\ndeployed\n");
  return JSON.stringify({
    version: "3.6.14",
    clusterId: "cdf818194e3a8c32",
    members: [],
    health: "healthy",
    recorded: createHash("sha256").update(deployed).digest("hex"),
  });
}

serve("1.2.1", { "command:remote:Command": commandType(record, REMOTE) });
