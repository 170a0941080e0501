/** CAs that somebody else made (`givenCas`): numbers like any other, but for what only who made them can do. */

import type { ClusterConfig, GivenCa } from "../config/model.ts";
import { DAY_MS } from "../lib/time.ts";
import type { Findings } from "./changes.ts";
import type { AuthorityTerms, Deployed } from "./deployed.ts";

const NONE: Findings = { problems: [], warnings: [] };

/** Of all that are listed, and of those that were. `now` in milliseconds since 1970. */
export function checkGiven(config: ClusterConfig, deployed: Deployed | undefined, now: number): Findings {
  if (deployed === undefined) return refuseGivenFounder(config);
  const findings = (["client", "peer"] as const).flatMap((role) =>
    config.certificates[`${role}Ca`].map((number) => {
      const given = config.givenCas.find((ca) => ca.role === role && ca.number === number);
      const before = given === undefined ? undefined : otherOf(given, deployed);
      if (before !== undefined)
        return refuse(`${role}-${number}`, `has the key of ${before}, and a rotation leads to another key`);
      return checkOne(`${role}-${number}`, given, deployed[`${role}Ca`]?.terms[String(number)], now);
    }),
  );
  return {
    problems: findings.flatMap(({ problems }) => problems),
    warnings: findings.flatMap(({ warnings }) => warnings),
  };
}

/** The first peer CA's certificate is the cluster's: its digest the token's, its beginning the least that a clock may say. */
function refuseGivenFounder({ certificates, givenCas }: ClusterConfig): Findings {
  const first = givenCas.find(({ role, number }) => role === "peer" && number === certificates.peerCa[0]);
  if (first === undefined) return NONE;
  const { number } = first;
  return {
    problems: [
      `givenCas.peer-${number}: a cluster is bootstrapped with a peer CA of its own, whose certificate its token is made from; take this one out, and rotate to it once the cluster is there (peerCa: [${number}], then [${number}, ${number + 1}] with givenCas.peer-${number + 1}).`,
    ],
    warnings: [],
  };
}

function checkOne(
  name: string,
  given: GivenCa | undefined,
  proven: AuthorityTerms | undefined,
  now: number,
): Findings {
  if (proven === undefined) return NONE;
  if (given === undefined) {
    if (proven.publicKey === undefined) return NONE;
    return refuse(
      name,
      `is missing: this CA was given, so its certificate and its key (caKeys.${name}) are needed`,
    );
  }
  if (proven.publicKey === undefined)
    return refuse(
      name,
      "was made by this program, and a number is one CA for ever; a given CA gets the next number",
    );
  if (proven.publicKey !== given.publicKey)
    return refuse(
      name,
      "has another key than before, and a number is one CA for ever; give it the next number",
    );
  return { problems: [], warnings: warnOfEnd(name, given, proven, now) };
}

/** A CA of another number, or of the other kind, that had the same key. */
function otherOf({ role, number, publicKey }: GivenCa, deployed: Deployed): string | undefined {
  return (["client", "peer"] as const)
    .flatMap((kind) =>
      Object.entries(deployed[`${kind}Ca`]?.terms ?? {}).map((one) => [kind, ...one] as const),
    )
    .filter(([kind, known]) => kind !== role || known !== String(number))
    .find(([, , terms]) => terms.publicKey === publicKey)
    ?.slice(0, 2)
    .join("-");
}

function refuse(name: string, why: string): Findings {
  return { problems: [`givenCas.${name}: ${why}.`], warnings: [] };
}

/** What is near its end is renewed by who made it. A year is what an organization needs to find out who that is. */
function warnOfEnd(name: string, given: GivenCa, proven: AuthorityTerms, now: number): readonly string[] {
  if (given.chain !== proven.chain)
    return [
      `givenCas.${name}: other certificates for the same key. The old one is trusted until its end: clients outside need the new one (the output clientBundle) before ${proven.expires}.`,
    ];
  if (Date.parse(given.expires) - now > 365 * DAY_MS) return [];
  return [
    `givenCas.${name} ends on ${given.expires}, and every certificate with it: have it renewed with the same key, and give the new certificate here.`,
  ];
}
