/** The settings `givenCas` and `caKeys`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems, read, right } from "./configuration.ts";
import { make } from "./given.ts";

const root = make("Example root");
const intermediate = make("Example etcd CA", { by: root });
const chain = intermediate.pem + root.pem;
const listed = { clientCa: [1, 2] };
const given = { ...listed, givenCas: { "client-2": chain }, caKeys: { "client-2": intermediate.keyPem } };

test("an intermediate and its root: the CA's own certificate apart from what is above it", () => {
  const [ca, ...others] = config(given).givenCas;
  assert.deepEqual([others, ca?.role, ca?.number], [[], "client", 2]);
  assert.equal(ca?.certPem, `${intermediate.pem.trimEnd()}\n`);
  assert.equal(ca?.abovePem, `${root.pem.trimEnd()}\n`);
  assert.match(ca?.publicKey ?? "", /^[0-9a-f]{64}$/);
});

test("a root by itself has nothing above it; another certificate for a key has the key's digest", () => {
  const of = (pem: string, keyPem: string) =>
    config({ ...listed, givenCas: { "client-2": pem }, caKeys: { "client-2": keyPem } }).givenCas[0];
  assert.equal(of(root.pem, root.keyPem)?.abovePem, "");
  const renewed = make("Example etcd CA", { by: root, key: intermediate.key });
  assert.equal(
    of(renewed.pem + root.pem, intermediate.keyPem)?.publicKey,
    of(chain, intermediate.keyPem)?.publicKey,
  );
});

test("the end is that of the first in the chain that ends", () => {
  const brief = make("Brief root", { hours: 48 });
  const below = make("Below it", { by: brief });
  const [ca] = config({
    ...listed,
    givenCas: { "client-2": below.pem + brief.pem },
    caKeys: { "client-2": below.keyPem },
  }).givenCas;
  assert.ok(Date.parse(ca?.expires ?? "") < Date.now() + 3 * 86_400_000);
});

test("one that no list has is of no use, and named", () => {
  const { config: parsed, warnings } = read({ ...right, ...given, clientCa: [1] });
  assert.deepEqual(parsed?.givenCas, []);
  assert.ok(
    warnings.includes("givenCas.client-2: clientCa does not list 2, so it is of no use."),
    warnings.join(),
  );
});

const leaf = make("app1", { by: root, isCa: false });
const ended = make("Ended CA", { hours: -1 });
const stranger = make("Another root");

for (const [what, values, sentence] of [
  [
    "another name",
    { givenCas: { corporate: chain }, caKeys: {} },
    "givenCas.corporate: is no name of a CA; client-2 is that of the client CA 2, peer-2 that of the peer CA 2.",
  ],
  [
    "no certificate",
    { givenCas: { "client-2": "corporate.pem" } },
    "givenCas.client-2: must be certificates in PEM, the CA's own first, then those that it was issued by, up to the root.",
  ],
  [
    "a leaf certificate",
    { givenCas: { "client-2": leaf.pem + root.pem } },
    "givenCas.client-2: CN=app1 may not sign certificates: give that of a CA.",
  ],
  [
    "no root",
    { givenCas: { "client-2": intermediate.pem } },
    "givenCas.client-2: CN=Example etcd CA is not a root: append the certificate that it was issued by.",
  ],
  [
    "another order",
    { givenCas: { "client-2": root.pem + intermediate.pem } },
    "givenCas.client-2: CN=Example root is not issued by the certificate that follows it.",
  ],
  [
    "another root",
    { givenCas: { "client-2": intermediate.pem + stranger.pem } },
    "givenCas.client-2: CN=Example etcd CA is not issued by the certificate that follows it.",
  ],
  [
    "no key",
    { caKeys: {} },
    "caKeys.client-2: is missing; pulumi config set --secret --path caKeys.NAME takes it from standard input.",
  ],
  [
    "another key",
    { caKeys: { "client-2": root.keyPem } },
    "caKeys.client-2: is not the key of that certificate: give the one that it was made with.",
  ],
  [
    "a certificate for a key",
    { caKeys: { "client-2": chain } },
    "caKeys.client-2: the value is not a private key; give one in OpenSSH or PEM format.",
  ],
  [
    "a key without a certificate",
    { givenCas: {} },
    "caKeys.client-2: has no certificate; set givenCas.client-2 too.",
  ],
  [
    "no object",
    { givenCas: chain, caKeys: {} },
    "givenCas: must be an object with a name such as client-2 for each CA.",
  ],
] as const)
  test(`${what} is refused`, () => {
    assert.deepEqual(problems({ ...given, ...values }), [sentence]);
  });

test("one that has ended is refused where it issues, and no message has a key in it", () => {
  const values = { givenCas: { "client-2": ended.pem }, caKeys: { "client-2": ended.keyPem } };
  const issuing = { clientCa: [2, 1], ...values };
  assert.match(problems(issuing).join(), /^givenCas\.client-2: CN=Ended CA ended on .*\.$/);
  assert.deepEqual(problems({ ...listed, ...values }), [], "it is about to be dropped");
  const wrong = problems({ ...given, caKeys: { "client-2": `${root.keyPem}${root.keyPem}` } });
  assert.doesNotMatch(wrong.join(), /PRIVATE KEY|MIG/);
});

test("two CAs have two keys: a client's certificate would be a peer's", () => {
  const twice = {
    clientCa: [1, 2],
    peerCa: [1, 2],
    givenCas: { "client-2": chain, "peer-2": chain },
    caKeys: { "client-2": intermediate.keyPem, "peer-2": intermediate.keyPem },
  };
  assert.match(
    problems(twice).join(),
    /givenCas\.peer-2: has the key of client-2; each CA needs one of its own/,
  );
});
