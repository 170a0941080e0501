/** Parts of PromQL that the rules and the dashboard share. */

/** What a failed request answers when etcd is to blame, and not the caller. */
const FAULTS = "Unknown|FailedPrecondition|ResourceExhausted|Internal|Unavailable|DataLoss|DeadlineExceeded";

/** The 99th percentile of a histogram, for each member and the further labels. */
export function p99(
  histogram: string,
  selector: string,
  window: string,
  ...labels: readonly string[]
): string {
  const by = ["cluster", "member", ...labels, "le"].join(", ");
  return `histogram_quantile(0.99, sum by (${by}) (rate(${histogram}_bucket{${selector}}[${window}])))`;
}

/** The part of the requests that failed, for each member. Streams are left out: they end with an error when a client goes. */
export function failedRatio(selector: string, window: string, ...labels: readonly string[]): string {
  const by = ["cluster", "member", ...labels].join(", ");
  const rate = (codes: string) =>
    `sum by (${by}) (rate(grpc_server_handled_total{${selector},grpc_type="unary"${codes}}[${window}]))`;
  return `${rate(`,grpc_code=~"${FAULTS}"`)} / ${rate("")}`;
}

/** The part of the quota that the database fills. The member itself says what its quota is. */
export function quotaUsed(selector: string): string {
  return `etcd_mvcc_db_total_size_in_bytes{${selector}} / etcd_server_quota_backend_bytes{${selector}}`;
}

/** Names of the metrics in an expression: they all have one of these prefixes. */
export function metricsIn(expression: string): readonly string[] {
  return [...new Set(expression.match(/\b(?:etcd|grpc_server|process)_\w+|\bup\b/g))];
}
