/** The settings `givenCas` and `caKeys`: CAs that somebody else made, an intermediate of a company's own for example. */

import { createHash, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { isRecord } from "../lib/json.ts";
import { printable } from "../lib/printable.ts";
import type { GivenCa } from "./model.ts";
import { privateKeyProblem } from "./private-key.ts";
import type { Fields } from "./value.ts";

const NAME = /^(client|peer)-([1-9]\d{0,5})$/;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

interface Listed {
  readonly clientCa: readonly number[];
  readonly peerCa: readonly number[];
}

/** `now` in milliseconds since 1970: one that has ended signs nothing that anybody accepts. */
export function parseGivenCas(top: Fields, listed: Listed, now = Date.now()): readonly GivenCa[] {
  const given = parseGivenCertificates(top, listed, now);
  const keys = objectOf(top, "caKeys");
  const known = Object.keys(objectOf(top, "givenCas"));
  for (const name of Object.keys(keys))
    if (!known.includes(name)) top.problem(`caKeys.${name}`, `has no certificate; set givenCas.${name} too.`);
  for (const { role, number, publicKey } of given) {
    const name = `${role}-${number}`;
    const problem = keyProblem(keys[name], publicKey);
    if (problem !== undefined) top.problem(`caKeys.${name}`, problem);
    const same = given.find((ca) => ca.publicKey === publicKey && `${ca.role}-${ca.number}` !== name);
    if (same !== undefined)
      top.problem(
        `givenCas.${name}`,
        `has the key of ${same.role}-${same.number}; each CA needs one of its own, or a client's certificate would be a peer's.`,
      );
  }
  return given;
}

/** Without the keys, which a preview masks. */
export function parseGivenCertificates(top: Fields, listed: Listed, now = Date.now()): readonly GivenCa[] {
  return Object.entries(objectOf(top, "givenCas")).flatMap(([name, value]) => {
    const ca = parseGivenCa(top, name, value, { listed, now });
    if (ca === undefined) return [];
    const list = `${ca.role}Ca` as const;
    if (listed[list].includes(ca.number)) return [ca];
    top.report.warning(`givenCas.${name}`, `${list} does not list ${ca.number}, so it is of no use.`);
    return [];
  });
}

function objectOf(top: Fields, key: string): Readonly<Record<string, unknown>> {
  const value = top.get(key);
  if (value === undefined) return {};
  if (isRecord(value)) return value;
  top.problem(key, "must be an object with a name such as client-2 for each CA."); // the value may be a secret
  return {};
}

function parseGivenCa(
  top: Fields,
  name: string,
  value: unknown,
  { listed, now }: { readonly listed: Listed; readonly now: number },
): GivenCa | undefined {
  const refuse = (sentence: string) => top.problem(`givenCas.${name}`, sentence);
  const [, role, number] = NAME.exec(name) ?? [];
  if ((role !== "client" && role !== "peer") || number === undefined) {
    refuse("is no name of a CA; client-2 is that of the client CA 2, peer-2 that of the peer CA 2.");
    return undefined;
  }
  const pems = typeof value === "string" ? (value.match(BLOCK) ?? []) : [];
  const chain = pems.flatMap(certificateOf);
  const [first] = chain;
  if (first === undefined || chain.length < pems.length || chain.length === 0) {
    refuse(
      "must be certificates in PEM, the CA's own first, then those that it was issued by, up to the root.",
    );
    return undefined;
  }
  const [issuing] = listed[`${role}Ca`];
  // one that is only trusted may end: it is about to be dropped
  const problem = chainProblem(chain, issuing === Number(number) ? now : 0);
  if (problem !== undefined) {
    refuse(problem);
    return undefined;
  }
  const [own, ...above] = chain.map((certificate) => certificate.toString().trimEnd());
  const ends = chain.map(({ validTo }) => Date.parse(validTo));
  return {
    role,
    number: Number(number),
    subject: subjectOf(first),
    certPem: `${own}\n`,
    abovePem: above.map((pem) => `${pem}\n`).join(""),
    notBefore: new Date(first.validFrom).toISOString(),
    expires: new Date(Math.min(...ends)).toISOString(),
    publicKey: digestOf(first.publicKey),
    chain: createHash("sha256")
      .update(Buffer.concat(chain.map(({ raw }) => raw)))
      .digest("hex"),
    root: subjectOf(chain.at(-1) ?? first),
  };
}

function certificateOf(pem: string): readonly X509Certificate[] {
  try {
    return [new X509Certificate(pem)];
  } catch {
    return [];
  }
}

function subjectOf({ subject }: X509Certificate): string {
  return printable(subject.replaceAll("\n", ", "));
}

/** What is wrong with the chain, as a sentence. */
function chainProblem(chain: readonly X509Certificate[], now: number): string | undefined {
  for (const [index, certificate] of chain.entries()) {
    const subject = subjectOf(certificate);
    // OpenSSL's test: CA:TRUE, and a key usage, if there is one, that allows to sign certificates
    if (!certificate.ca) return `${subject} may not sign certificates: give that of a CA.`;
    if (Date.parse(certificate.validTo) <= now) return `${subject} ended on ${certificate.validTo}.`;
    const issuer = chain[index + 1] ?? certificate;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      return index + 1 < chain.length
        ? `${subject} is not issued by the certificate that follows it.`
        : `${subject} is not a root: append the certificate that it was issued by.`;
  }
  return undefined;
}

/** What is wrong with the key, as a sentence that does not quote it. */
function keyProblem(value: unknown, publicKey: string): string | undefined {
  if (value === undefined || value === "")
    return "is missing; pulumi config set --secret --path caKeys.NAME takes it from standard input.";
  if (typeof value !== "string") return "must be the text of a private key.";
  const problem = privateKeyProblem(value);
  if (problem !== undefined) return `the value ${problem}.`;
  try {
    return digestOf(createPublicKey(value)) === publicKey
      ? undefined
      : "is not the key of that certificate: give the one that it was made with.";
  } catch {
    return "cannot be read; give an unencrypted key in PEM (PKCS#8).";
  }
}

/** The same for every certificate that a CA gets: its key is what it is. */
function digestOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}
