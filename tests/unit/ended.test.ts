import assert from "node:assert/strict";
import { test } from "node:test";
import { checkEnded } from "../../cluster/ended.ts";
import type { Machines } from "../../cluster/machines.ts";
import type { Deployed } from "../../cluster/topology.ts";
import { config } from "./configuration.ts";
import { deployed, nodes } from "./deployment.ts";

const authority = (expires: string) => ({ list: [1], terms: { "1": { expires } } });
const FIRST = "2031-01-01T00:00:00Z";
const LATER = "2031-02-01T00:00:00Z";
const proven: Deployed = { ...deployed(3), clientCa: authority(LATER), peerCa: authority(FIRST) };
const end = Date.parse(FIRST);
const allow = ["expired-ca"];

function check(
  now: number,
  settings: Readonly<Record<string, unknown>> = {},
  before: Deployed | undefined = proven,
) {
  const none: Machines = new Map();
  return checkEnded(config({ nodes: nodes(3), ...settings }), before, none, now);
}

test("a CA is refused from the very moment of its end, and the way out is named", () => {
  assert.deepEqual(check(end - 1), { problems: [], warnings: [] });
  assert.deepEqual(check(end), {
    problems: [
      "By the record of the last healthy run the peer CA ended on 2031-01-01T00:00:00Z: members accept no new connection. allow: [expired-ca] renews it with its own key and restarts all members without a proof, an outage of seconds; no data is touched.",
    ],
    warnings: [],
  });
  assert.match(
    check(Date.parse(LATER)).problems.join(),
    /the client CA ended on 2031-02-01T00:00:00Z, and the peer CA ended on 2031-01-01T00:00:00Z: /,
  );
});

test("where another CA is trusted, too, the way out is that it issues", () => {
  const peerCa = { list: [1, 2], terms: { "1": { expires: FIRST }, "2": { expires: LATER } } };
  // with the word alone as well: the ended one's renewal would not be accepted by who has loaded the other one
  for (const settings of [{}, { allow, peerCa: [1, 2] }])
    assert.match(
      check(end, settings, { ...proven, peerCa }).problems.join(),
      / They trust another CA as well: peerCa: \[2, 1\], with allow: \[expired-ca\], lets that one issue; no data is touched\.$/,
    );
  assert.deepEqual(check(end, { allow, peerCa: [2, 1] }, { ...proven, peerCa }).problems, []);
});

test("another one that has ended too is no way out: the issuing one is renewed", () => {
  const peerCa = { list: [1, 2], terms: { "1": { expires: FIRST }, "2": { expires: FIRST } } };
  const before = { ...proven, peerCa };
  assert.match(check(end, { peerCa: [1, 2] }, before).problems.join(), /allow: \[expired-ca\] renews it/);
  assert.deepEqual(check(end, { allow, peerCa: [1, 2] }, before).problems, []);
});

test("an end that is not recorded is not taken for one to come", () => {
  const before = { ...deployed(3), peerCa: authority("") };
  assert.match(check(0, {}, before).problems.join(), /the peer CA ended on a date that it does not have/);
});

test("allowed, it is said what happens, and to clients outside what they need", () => {
  const peer = check(end, { allow });
  assert.deepEqual(peer.problems, []);
  assert.match(
    peer.warnings.join(),
    /the peer CA ended on \S+\. It is renewed with its own key, .*no data is touched\.$/,
  );
  assert.match(
    check(Date.parse(LATER), { allow }).warnings.join(),
    /Clients outside need the new CA certificate/,
  );
});

test("the word is no longer needed where no CA has ended", () => {
  const idle = {
    problems: [],
    warnings: [
      "allow: expired-ca is no longer needed, since no CA has ended; take it out, so that no host restarts without a proof when its clock is wrong.",
    ],
  };
  assert.deepEqual(check(end - 1, { allow }), idle);
  const first = checkEnded(config({ allow }), undefined, new Map(), end);
  assert.deepEqual(first, idle);
});

test("what asks the cluster comes after it: another minor, and other members; a lost one may go with it", () => {
  assert.match(
    check(end, { allow, version: "3.7.1" }).problems.join(),
    /which cannot go together with the step from 3\.6\.14 to 3\.7\.1/,
  );
  const others = [
    nodes(5),
    nodes(3, { node2: { incarnation: 2 } }),
    nodes(1),
    nodes(3, { node3: { address: "10.0.0.9" } }),
  ];
  const named = others.map(
    (declared) => /machines \((.*)\): /.exec(check(end, { allow, nodes: declared }).problems.join())?.[1],
  );
  assert.deepEqual(named, ["node4, node5", "node2", "node2, node3", "node3"]);
  assert.deepEqual(check(end, { allow, nodes: nodes(3, { node3: { lost: true } }) }).problems, []);
});
