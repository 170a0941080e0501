// npm run monitoring: scrape job, alert rules and dashboard for the stack's cluster.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv, exit } from "node:process";
import { clientIn } from "../../cluster/resource-names.ts";
import { parseBackup } from "../../config/backup.ts";
import { decodeValues } from "../../config/parse.ts";
import { Fields, Report } from "../../config/value.ts";
import { record, text } from "../../lib/json.ts";
import { pulumiJson } from "../../lib/pulumi.ts";
import { type MonitoredCluster, monitoredCluster } from "../../monitoring/cluster.ts";
import { BUNDLE, CLIENT, monitoringFiles } from "../../monitoring/files.ts";
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

/** Seconds; nothing where no backup is on a schedule, or where a secret says so. */
function backupMaxAge(config: unknown): number | undefined {
  const { value } = record(record(config)["etcd:backup"]);
  const top = new Fields("", decodeValues({ backup: text(value) || undefined }), new Report());
  return parseBackup(top, UNREAD, { dataDir: "", proxy: "", aws: undefined }).schedule?.maxAge;
}
const UNREAD = { read: () => "", variables: {} };

async function main(): Promise<void> {
  const directory = wanted ?? `monitoring-${(stack ?? (await selectedStack())).replaceAll("/", "-")}`;
  const outputs = await pulumiJson(stack, "stack", "output", "--json");
  const maxAge = backupMaxAge(await pulumiJson(stack, "config", "--json"));
  write(directory, monitoredCluster(outputs, maxAge));
  const choice = stack === undefined ? "" : `--stack ${stack} `;
  const isDeclared = clientIn(CLIENT, 1) in record(record(outputs).certificatesExpire);
  if (!isDeclared)
    console.log(`Give Prometheus a certificate of its own first: etcd:clients: [{ name: ${CLIENT} }]`);
  console.log(
    `Put the certificate beside them: npm run client -- ${choice}--client ${CLIENT} --write-bundle ${join(directory, BUNDLE)}`,
  );
}

const { stack, write: wanted } = callOrExit(commands.monitoring, argv.slice(2)).values;
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  exit(1);
}
