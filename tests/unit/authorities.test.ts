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
  assert.deepEqual(check(proven, end - 2 * year), { problems: [], warnings: [] });
  assert.deepEqual(check(undefined, end + year), { problems: [], warnings: [] });
  assert.deepEqual(check(deployed(3), end + year), { problems: [], warnings: [] });
});

test("two lives of a leaf before its end, an authority is said to end, and how to renew it", () => {
  const { problems, warnings } = check({ ...deployed(3), peerCa: authority }, end - 2 * year + 1);
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings, [
    "The peer CA ends on 2031-01-01T00:00:00Z, and every certificate with it. Renew it, with its own key and one rolling restart: pulumi config set caRenewBeforeDays 730, then the plan.",
  ]);
});

test("what is advised renews a CA once in half of its life, however long a leaf certificate lasts", () => {
  const short = { ...terms, validityDays: "730" };
  const before = { ...deployed(3), peerCa: { list: [1], terms: { "1": short } } };
  const advice = (daysLeft: number) =>
    check(before, end - daysLeft * 86_400_000, { caValidityDays: 730 }).warnings.map(
      (warning) => /caRenewBeforeDays (\d+)/.exec(warning)?.[1],
    );
  assert.deepEqual([advice(730), advice(365), advice(364)], [[], [], ["365"]]);
});

test("one that is renewed tells clients outside until when they may keep the old one", () => {
  const renewing = { caRenewBeforeDays: 730 };
  assert.deepEqual(check(proven, end - 2 * year - 1, renewing), { problems: [], warnings: [] });
  const { problems, warnings } = check(proven, end - 2 * year, renewing);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    warnings.map((warning) => warning.split(".")[0]),
    ["client", "peer"].map((role) => `The ${role} CA gets a new certificate with the same key`),
  );
  assert.match(warnings.join(), /need the new CA certificate .* before 2031-01-01T00:00:00Z/);
});

test("a renewal and a step to another minor are two ups; a patch goes with it", () => {
  const renewing = { caRenewBeforeDays: 730 };
  const from = (version: string) =>
    check({ ...proven, version }, end - year, renewing).problems.map((problem) => problem.split(",")[0]);
  assert.deepEqual(from("3.6.13"), []);
  assert.deepEqual(
    from("3.5.33"),
    ["client", "peer"].map((role) => `caRenewBeforeDays: the ${role} CA is renewed in this up`),
  );
});

test("of one that has ended nothing is said here: see ended.test.ts", () => {
  const before = { ...deployed(3), clientCa: authority };
  assert.deepEqual(check(before, end, { caRenewBeforeDays: 730 }), { problems: [], warnings: [] });
  assert.equal(check(before, end - 1).warnings.length, 1);
});

test("an authority keeps what it was made with; other settings are for the next one", () => {
  const settings = { keyAlgorithm: "RSA-4096", caValidityDays: 3650 };
  const { problems, warnings } = check(proven, end - 2 * year, settings);
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings, [
    "keyAlgorithm: the client CA 1 keeps ECDSA-P256, with which it was made; RSA-4096 is for the next one (clientCa: [1, 2], docs/certificates.md).",
    "caValidityDays: the client CA 1 keeps 1825, with which it was made; 3650 is for the next one (clientCa: [1, 2], docs/certificates.md).",
    "keyAlgorithm: the peer CA 1 keeps ECDSA-P256, with which it was made; RSA-4096 is for the next one (peerCa: [1, 2], docs/certificates.md).",
    "caValidityDays: the peer CA 1 keeps 1825, with which it was made; 3650 is for the next one (peerCa: [1, 2], docs/certificates.md).",
  ]);
  const made = check(proven, end - 2 * year, { ...settings, clientCa: [1, 2], peerCa: [1, 2] });
  assert.deepEqual(made, { problems: [], warnings: [] });
});

test("one whose whole life is no longer than the time before its end would be renewed by every up", () => {
  const short = { ...terms, validityDays: "130" };
  const before = { ...proven, peerCa: { list: [1], terms: { "1": short } } };
  assert.deepEqual(check(before, end - year, { caRenewBeforeDays: 130 }).problems, [
    "caRenewBeforeDays: 130 days are not less than the whole life of the peer CA, 130 days: every up would renew it; use fewer.",
  ]);
});
