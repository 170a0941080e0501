/** CAs that somebody else made, against what was proven of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGiven } from "../../cluster/given-authorities.ts";
import { config } from "./configuration.ts";
import { deployed as deployedOf } from "./deployment.ts";
import { make } from "./given.ts";

const NOW = Date.now();
const deployed = deployedOf(3);
const root = make("Example root");
const [one, another] = [make("Example etcd CA", { by: root }), make("Example etcd CA", { by: root })];
const giving = (ca = one, number = 2, role = "client") => ({
  [`${role}Ca`]: number === 1 ? [1] : [1, number],
  givenCas: { [`${role}-${number}`]: ca.pem + root.pem },
  caKeys: { [`${role}-${number}`]: ca.keyPem },
});
const known = (ca = one) => {
  const [{ publicKey = "", chain = "", expires = "" } = {}] = config(giving(ca)).givenCas;
  return { publicKey, chain, expires };
};
/** A record of a client CA 2 of that kind. */
const proven = (terms: Readonly<Record<string, string>>) => ({
  ...deployed,
  clientCa: { list: [1, 2], terms: { "1": {}, "2": terms } },
});

for (const [what, values, record, sentence] of [
  ["the next number", giving(), deployed, undefined],
  ["the same one again", giving(), proven(known()), undefined],
  [
    "another key",
    giving(another),
    proven(known()),
    "givenCas.client-2: has another key than before, and a number is one CA for ever; give it the next number.",
  ],
  [
    "the number of one that the program made",
    giving(),
    proven({ algorithm: "ECDSA-P256" }),
    "givenCas.client-2: was made by this program, and a number is one CA for ever; a given CA gets the next number.",
  ],
  [
    "one that is no longer given",
    { clientCa: [1, 2] },
    proven(known()),
    "givenCas.client-2: is missing: this CA was given, so its certificate and its key (caKeys.client-2) are needed.",
  ],
  [
    "the key of one that was dropped",
    giving(one, 3),
    { ...deployed, clientCa: { list: [1], terms: { "1": {}, "2": known() } } },
    "givenCas.client-3: has the key of client-2, and a rotation leads to another key.",
  ],
  ["a client CA at the bootstrap", giving(one, 1), undefined, undefined],
  [
    "a peer CA at the bootstrap",
    giving(one, 1, "peer"),
    undefined,
    "givenCas.peer-1: a cluster is bootstrapped with a peer CA of its own, whose certificate its token is made from; take this one out, and rotate to it once the cluster is there (peerCa: [1], then [1, 2] with givenCas.peer-2).",
  ],
] as const)
  test(`${what}: ${sentence === undefined ? "taken" : "refused"}`, () => {
    const { problems, warnings } = checkGiven(config(values), record, NOW);
    assert.deepEqual([problems, warnings], [sentence === undefined ? [] : [sentence], []]);
  });

test("a renewed certificate is a warning for clients outside, and an end within a year one for who made it", () => {
  const renewed = make("Example etcd CA", { by: root, key: one.key, hours: 1000 * 24 });
  const { warnings, problems } = checkGiven(config(giving(renewed)), proven(known()), NOW);
  assert.deepEqual(problems, []);
  assert.match(
    warnings.join(),
    /^givenCas\.client-2: other certificates for the same key\. .* before \S+\.$/,
  );
  const late = NOW + 1700 * 86_400_000;
  assert.match(
    checkGiven(config(giving()), proven(known()), late).warnings.join(),
    /^givenCas\.client-2 ends on \S+, and every certificate with it: have it renewed with the same key/,
  );
});
