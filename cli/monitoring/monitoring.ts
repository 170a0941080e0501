// npm run monitoring: scrape job, alert rules and dashboard for the stack's cluster.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv, exit } from "node:process";
import { pulumiJson } from "../../lib/pulumi.ts";
import { type MonitoredCluster, monitoredCluster } from "../../monitoring/cluster.ts";
import { BUNDLE, monitoringFiles } from "../../monitoring/files.ts";
import { callOrExit } from "../shared/command-line.mjs";
import { commands } from "../shared/commands.mjs";
import { selectedStack } from "../shared/selected-stack.ts";

function write(directory: string, cluster: MonitoredCluster): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(monitoringFiles(cluster))) {
    writeFileSync(join(directory, name), text);
    console.log(`wrote ${join(directory, name)}`);
  }
}

async function main(): Promise<void> {
  const directory = wanted ?? `monitoring-${(stack ?? (await selectedStack())).replaceAll("/", "-")}`;
  write(directory, monitoredCluster(await pulumiJson(stack, "stack", "output", "--json")));
  const choice = stack === undefined ? "" : `--stack ${stack} `;
  console.log(
    `Put the certificate beside them: npm run client -- ${choice}--write-bundle ${join(directory, BUNDLE)}`,
  );
}

const { stack, write: wanted } = callOrExit(commands.monitoring, argv.slice(2)).values;
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  exit(1);
}
