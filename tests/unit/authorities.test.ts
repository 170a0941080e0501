import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAuthorities } from "../../cluster/authorities.ts";
import type { Deployed } from "../../cluster/topology.ts";
import { config } from "./configuration.ts";
import { deployed } from "./deployment.ts";

const terms = { algorithm: "ECDSA-P256", validityDays: "1825", expires: "2031-01-01T00:00:00Z" };
const authority = { list: [1], terms: { "1": terms } };
const proven: Deployed = { ...deployed(3), clientCa: authority, peerCa: authority };
const year = 365 * 24 * 60 * 60 * 1000;
const end = Date.parse(terms.expires);

function check(before: Deployed | undefined, now: number, settings: Readonly<Record<string, unknown>> = {}) {
  return checkAuthorities(config(settings), before, now);
}

test("authorities that outlive a new certificate stay, and a founding has none yet", () => {
  assert.deepEqual(check(proven, end - year), { problems: [], warnings: [] });
  assert.deepEqual(check(undefined, end + year), { problems: [], warnings: [] });
  assert.deepEqual(check(deployed(3), end + year), { problems: [], warnings: [] });
});

test("an authority that ends before a new certificate would is a warning", () => {
  const { problems, warnings } = check({ ...deployed(3), peerCa: authority }, end - year + 1);
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings.length, 1);
  assert.match(
    warnings[0] ?? "",
    /^The peer CA expires on 2031-01-01T00:00:00Z, before a new certificate of 365 days/,
  );
});

test("an expired authority is refused from the very moment of its end", () => {
  const { problems, warnings } = check({ ...deployed(3), clientCa: authority }, end);
  assert.deepEqual(warnings, []);
  assert.deepEqual(problems.length, 1);
  assert.match(problems[0] ?? "", /^The client CA expired on 2031-01-01T00:00:00Z; /);
  assert.deepEqual(check({ ...deployed(3), clientCa: authority }, end - 1).problems, []);
});

test("an authority made with other settings is refused, each by its setting", () => {
  const settings = { keyAlgorithm: "RSA-4096", caValidityDays: 3650 };
  const paths = check(proven, end - year, settings).problems.map(
    (sentence) => sentence.split(" was created")[0],
  );
  assert.deepEqual(paths, [
    "keyAlgorithm: the client CA",
    "caValidityDays: the client CA",
    "keyAlgorithm: the peer CA",
    "caValidityDays: the peer CA",
  ]);
});
