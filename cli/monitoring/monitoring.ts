// npm run monitoring -- [--stack STACK] [--write DIRECTORY]: scrape job, alert rules and dashboard for the stack's cluster.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exit } from "node:process";
import { parseArgs } from "node:util";
import { pulumi } from "../../lib/pulumi.ts";
import { type MonitoredCluster, monitoredCluster } from "../../monitoring/cluster.ts";
import { BUNDLE, monitoringFiles } from "../../monitoring/files.ts";
import { callOrExit } from "../shared/command-line.ts";

const USAGE = "usage: npm run monitoring -- [--stack STACK] [--write DIRECTORY]";

function parseCommandLine(words: string[]) {
  const options = { stack: { type: "string" }, write: { type: "string" } } as const;
  return parseArgs({ args: words, options }).values;
}

function write(directory: string, cluster: MonitoredCluster): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(monitoringFiles(cluster))) {
    writeFileSync(join(directory, name), text);
    console.log(`wrote ${join(directory, name)}`);
  }
}

function selectedStack(): string {
  const stacks = pulumi(undefined, "stack", "ls");
  const current: unknown = Array.isArray(stacks) ? stacks.find((stack) => stack.current) : undefined;
  if (typeof current !== "object" || current === null || !("name" in current)) {
    throw new Error("No stack is selected: name one with --stack.");
  }
  return String(current.name);
}

function main(): void {
  const { stack, write: wanted } = callOrExit(USAGE, parseCommandLine);
  const directory = wanted ?? `monitoring-${(stack ?? selectedStack()).replaceAll("/", "-")}`;
  write(directory, monitoredCluster(pulumi(stack, "stack", "output")));
  const choice = stack === undefined ? "" : `--stack ${stack} `;
  console.log(
    `Put the certificate beside them: npm run client -- ${choice}--write-bundle ${join(directory, BUNDLE)}`,
  );
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  exit(1);
}
