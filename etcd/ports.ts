/** The ports that etcd serves on. */

export const CLIENT_PORT = 2379;
export const PEER_PORT = 2380;
/** Metrics and health, without TLS, unless configured otherwise. */
export const METRICS_PORT = 2381;
