export interface CipherSuite {
  readonly name: string;
  /** The type of server key that the suite is for. */
  readonly key: "ECDSA" | "RSA";
}

/** TLS 1.2 suites with forward secrecy and authenticated encryption, by the names that Go, and so etcd, knows. */
export const cipherSuites: readonly CipherSuite[] = (["ECDSA", "RSA"] as const).flatMap((key) =>
  [
    `TLS_ECDHE_${key}_WITH_AES_128_GCM_SHA256`,
    `TLS_ECDHE_${key}_WITH_AES_256_GCM_SHA384`,
    `TLS_ECDHE_${key}_WITH_CHACHA20_POLY1305_SHA256`,
  ].map((name) => ({ name, key })),
);
