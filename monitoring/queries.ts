/** Parts of PromQL that the rules and the dashboard share. */

/** Codes of requests that failed through etcd's fault, not the caller's. */
const FAULTS = "Unknown|FailedPrecondition|ResourceExhausted|Internal|Unavailable|DataLoss|DeadlineExceeded";

/** The 99th percentile of a histogram, by member and any further labels. */
export function p99(
  histogram: string,
  selector: string,
  window: string,
  ...labels: readonly string[]
): string {
  const by = ["cluster", "member", ...labels, "le"].join(", ");
  return `histogram_quantile(0.99, sum by (${by}) (rate(${histogram}_bucket{${selector}}[${window}])))`;
}

/** The share of failed requests, by member. Streams are left out: they end with an error when a client disconnects. */
export function failedRatio(selector: string, window: string, ...labels: readonly string[]): string {
  const by = ["cluster", "member", ...labels].join(", ");
  const rate = (codes: string) =>
    `sum by (${by}) (rate(grpc_server_handled_total{${selector},grpc_type="unary"${codes}}[${window}]))`;
  return `${rate(`,grpc_code=~"${FAULTS}"`)} / ${rate("")}`;
}

/** The share of the quota that the database uses. The member itself reports its quota. */
export function quotaUsed(selector: string): string {
  return `etcd_mvcc_db_total_size_in_bytes{${selector}} / etcd_server_quota_backend_bytes{${selector}}`;
}

/** The names of the metrics in an expression, all of which have one of these prefixes. */
export function metricsIn(expression: string): readonly string[] {
  return [...new Set(expression.match(/\b(?:etcd|grpc_server|process)_\w+|\bup\b/g))];
}
