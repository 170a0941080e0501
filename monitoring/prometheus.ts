/** The scrape job: every member's client URL, over TLS, with the certificate of a client of its own. */

import type { MonitoredCluster } from "./cluster.ts";

/** The folder beside prometheus.yml that `npm run client -- --client prometheus --write-bundle` fills. */
export const BUNDLE = "bundle";
/** The one of etcd:clients that the scrape job logs in as. */
export const CLIENT = "prometheus";
export const RULES_FILE = "etcd.rules.yml";

/**
 * Not the metrics URL: it is on loopback unless configured otherwise, and has no TLS. The client URLs serve the same
 * metrics on every cluster.
 */
export function prometheusConfig(cluster: MonitoredCluster) {
  return {
    global: { scrape_interval: "30s", evaluation_interval: "30s" },
    rule_files: [RULES_FILE],
    scrape_configs: [
      {
        job_name: jobName(cluster),
        scheme: "https",
        tls_config: {
          ca_file: `${BUNDLE}/ca.crt`,
          cert_file: `${BUNDLE}/client.crt`,
          key_file: `${BUNDLE}/client.key`,
        },
        static_configs: cluster.members.map(({ name, target }) => ({
          targets: [target],
          labels: { cluster: cluster.name, member: name },
        })),
      },
    ],
  };
}

/** One job for each cluster, so that one Prometheus can have the jobs of several clusters. */
export function jobName(cluster: MonitoredCluster): string {
  return `etcd/${cluster.name}`;
}
