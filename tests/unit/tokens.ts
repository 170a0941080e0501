/** What a cluster is called after a restore: computed here and on hosts, and the same. */
export const TOKENS = [
  { token: "etcd-cluster-1-0123abcd", sha256: "9f".repeat(32), id: 1, becomes: "etcd-cluster-1-9f610f00" },
  { token: "my-etcd-0123abcd", sha256: "9f".repeat(32), id: 2, becomes: "my-etcd-faa00609" },
] as const;
