import type * as tls from "@pulumi/tls";
import type { CertificateSettings } from "../config/model.ts";

export type KeyAlgorithm = CertificateSettings["algorithm"];

/** Arguments of a private key of the given algorithm. */
export function keyArgs(algorithm: KeyAlgorithm): tls.PrivateKeyArgs {
  switch (algorithm) {
    case "ECDSA-P256":
      return { algorithm: "ECDSA", ecdsaCurve: "P256" };
    case "RSA-2048":
      return { algorithm: "RSA", rsaBits: 2048 };
    case "RSA-4096":
      return { algorithm: "RSA", rsaBits: 4096 };
  }
}
