/** CAs of a company's own: a root, and what it issued. Made as the lab's stand-in for the tls provider makes its own. */

import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { issue, nameOf, parseAuthority } from "../../lab/engine/x509.ts";

export interface Made {
  readonly pem: string;
  readonly key: KeyObject;
  /** PKCS#8. */
  readonly keyPem: string;
}

export interface Making {
  /** @default itself */
  readonly by?: Made;
  readonly key?: KeyObject;
  readonly isCa?: boolean;
  readonly hours?: number;
}

export function make(
  commonName: string,
  { by, key: given, isCa = true, hours = 2000 * 24 }: Making = {},
): Made {
  const key = given ?? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const bearer = {
    subject: nameOf({ commonName, streetAddresses: [] }),
    alternativeNames: [],
    publicKey: createPublicKey(key),
  };
  const terms = {
    validityPeriodHours: hours,
    allowedUses: isCa ? ["cert_signing", "crl_signing"] : ["client_auth"],
    isCaCertificate: isCa,
    maxPathLength: undefined,
    setSubjectKeyId: true,
    setAuthorityKeyId: by !== undefined,
  };
  const { pem } =
    by === undefined ? issue(bearer, terms, key) : issue(bearer, terms, by.key, parseAuthority(by.pem));
  return { pem, key, keyPem: key.export({ type: "pkcs8", format: "pem" }).toString() };
}
