/** The files that `npm run monitoring` writes, by name. */

import { stringify } from "yaml";
import { rulesFile } from "./alerts.ts";
import type { MonitoredCluster } from "./cluster.ts";
import { dashboard } from "./dashboard.ts";
import { prometheusConfig, RULES_FILE } from "./prometheus.ts";

export { BUNDLE, CLIENT } from "./prometheus.ts";

const header = " Written by `npm run monitoring`; run it again after the members have changed.";

export function monitoringFiles(cluster: MonitoredCluster): Readonly<Record<string, string>> {
  return {
    "prometheus.yml": yaml(prometheusConfig(cluster)),
    [RULES_FILE]: yaml(rulesFile(cluster)),
    "dashboard.json": `${JSON.stringify(dashboard(cluster), null, 2)}\n`,
  };
}

function yaml(data: unknown): string {
  return `#${header}\n${stringify(data, { lineWidth: 0 })}`;
}
