/** The rule for lists of CAs, held against hosts that accept each other or do not; and what is said to who breaks it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAuthorities } from "../../cluster/authorities.ts";
import type { Deployed, DeployedAuthority } from "../../cluster/deployed.ts";
import { isStep, refuseRotation, shown, stepInWords } from "../../cluster/rotation.ts";
import { config } from "./configuration.ts";
import { deployed } from "./deployment.ts";

/** A host as its peers and clients meet it. */
interface Host {
  readonly loaded: readonly number[];
  readonly leaf: number;
}

const accepts = (one: Host, other: Host) =>
  one.loaded.includes(other.leaf) && other.loaded.includes(one.leaf);

/** What a run leaves of hosts, wherever it is cut off: new leaf certificates come first, a restart or a reboot loads the list. */
function mixture(from: readonly number[], to: readonly number[]): readonly Host[] {
  const [before = 0, after = 0] = [from[0], to[0]];
  return [
    { loaded: from, leaf: before },
    { loaded: from, leaf: after },
    { loaded: to, leaf: before },
    { loaded: to, leaf: after },
  ];
}

const numbers = [1, 2, 3];
const lists = numbers.flatMap((one) => [
  [one],
  ...numbers.filter((other) => other !== one).map((other) => [one, other]),
]);

test("over all pairs of lists, a step is allowed if, and only if, all hosts of before, between and after accept each other", () => {
  for (const from of lists)
    for (const to of lists) {
      const hosts = mixture(from, to);
      const isWhole = hosts.every((one) => hosts.every((other) => accepts(one, other)));
      assert.equal(isStep(from, to), isWhole, `${shown(from)} → ${shown(to)}`);
    }
});

test("the next lists that a refusal names lead, step by step, to what is wanted", () => {
  for (const from of lists)
    for (const to of lists) {
      const highest = Math.max(...from);
      const [sentence] = refuseRotation({ key: "clientCa", from, to, highest });
      if (sentence === undefined || sentence.includes("was dropped")) continue;
      const path = [...sentence.slice(sentence.lastIndexOf(": ")).matchAll(/\[[\d, ]+\]/g)].map(
        ([list]): readonly number[] => JSON.parse(list),
      );
      let [at, most] = [from, highest];
      for (const next of path) {
        assert.deepEqual(
          refuseRotation({ key: "clientCa", from: at, to: next, highest: most }),
          [],
          sentence,
        );
        [at, most] = [[...next], Math.max(most, ...next)];
      }
      assert.deepEqual(at, to, sentence);
    }
});

const terms = { algorithm: "ECDSA-P256", validityDays: "1825", expires: "2031-01-01T00:00:00Z" };
const NOW = Date.parse("2027-01-01T00:00:00Z");

function proven(list: readonly number[], more: Readonly<Record<string, object>> = {}): DeployedAuthority {
  return { list, terms: { ...Object.fromEntries(list.map((number) => [number, terms])), ...more } };
}

function check(
  before: Partial<Deployed>,
  settings: Readonly<Record<string, unknown>>,
  memberChanges: readonly string[] = [],
) {
  return checkAuthorities(config(settings), { ...deployed(3), ...before }, NOW, memberChanges);
}

const nothing = { problems: [], warnings: [] };

test("a new stack may begin with any list", () => {
  assert.deepEqual(checkAuthorities(config({ clientCa: [3, 2] }), undefined, NOW), nothing);
});

test("each of the three steps is allowed, and each back; clients are told what they need", () => {
  const both = "bundles written since it was made have both.";
  const refused = "are refused from this up on";
  for (const [from, to, warnings] of [
    [[1], [1, 2], []],
    [
      [1, 2],
      [2, 1],
      [`clientCa: clients whose bundle has no CA 2 refuse the members from this up on; ${both}`],
    ],
    [
      [2, 1],
      [2],
      [
        `clientCa: certificates that CA 1 issued ${refused}; the administrator's is by CA 2: has it been fetched?`,
      ],
    ],
    [
      [2, 1],
      [1, 2],
      [`clientCa: clients whose bundle has no CA 1 refuse the members from this up on; ${both}`],
    ],
    [
      [1, 2],
      [1],
      [
        `clientCa: certificates that CA 2 issued ${refused}; the administrator's is by CA 1: has it been fetched?`,
      ],
    ],
  ] as const) {
    const [clientCa, peerCa] = [proven(from), proven(from)];
    assert.deepEqual(check({ clientCa }, { clientCa: to }), { problems: [], warnings });
    assert.deepEqual(check({ peerCa }, { peerCa: to }), nothing, "no client outside meets a peer CA");
  }
});

test("a list that is out of order is refused with the next right ones", () => {
  for (const [from, to, sentence] of [
    [
      [1],
      [2],
      "[2] follows [1] only in steps, so that no member meets a certificate that it does not trust: next is [1, 2], then [2, 1], then [2].",
    ],
    [
      [1],
      [2, 1],
      "[2, 1] follows [1] only in steps, so that no member meets a certificate that it does not trust: next is [1, 2], then [2, 1].",
    ],
    [[1, 2], [2], "[1, 2] is proven; to drop CA 1 let CA 2 issue first: [2, 1], then [2]."],
    [[2, 1], [1], "[2, 1] is proven; to drop CA 2 let CA 1 issue first: [1, 2], then [1]."],
    [
      [1],
      [2, 3],
      "[2, 3] follows [1] only in steps, so that no member meets a certificate that it does not trust: next is [1, 2], then [2, 1], then [2, 3].",
    ],
  ] as const) {
    const { problems, warnings } = check({ peerCa: proven(from) }, { peerCa: to });
    assert.deepEqual([problems, warnings], [[`peerCa: ${sentence}`], []]);
  }
});

test("a record from before there were lists is one of the first CA", () => {
  assert.deepEqual(check({}, { clientCa: [1, 2] }), nothing);
  assert.match(check({}, { clientCa: [2] }).problems.join(), /^clientCa: \[2\] follows \[1\] only in steps/);
});

test("a number is one CA for ever: not even one whose making was taken back comes again", () => {
  const clientCa = proven([2], { "1": terms });
  assert.deepEqual(check({ clientCa }, { clientCa: [1, 2] }).problems, [
    "clientCa: 1 was dropped, and a number is one CA for ever; a new CA gets the next number: [2, 3].",
  ]);
  assert.deepEqual(check({ clientCa }, { clientCa: [2, 3] }), nothing);
  const takenBack = proven([1], { "2": terms });
  assert.deepEqual(check({ clientCa: takenBack }, { clientCa: [1, 2] }).problems, [
    "clientCa: 2 was dropped, and a number is one CA for ever; a new CA gets the next number: [1, 3].",
  ]);
});

test("a step goes alone: neither with members that change, nor with another minor", () => {
  assert.deepEqual(check({}, { clientCa: [1, 2] }, ["node4 joins", "node5 joins"]).problems, [
    "clientCa: a CA step goes alone; node4 joins in this up: do one first, then the other.",
  ]);
  assert.deepEqual(check({}, {}, ["node4 joins"]), nothing);
  assert.deepEqual(check({ version: "3.5.33" }, { peerCa: [1, 2] }).problems, [
    "peerCa: a CA step goes alone, and this up goes from 3.5.33 to 3.6.14: do one first, then the other.",
  ]);
  assert.deepEqual(check({ version: "3.6.13" }, { peerCa: [1, 2] }), nothing, "a patch restarts once, too");
});

test("one that is only trusted and has ended must go: the provider would make another one of it", () => {
  const ended = { ...terms, expires: "2026-12-31T00:00:00Z" };
  const clientCa = proven([2, 1], { "1": ended });
  assert.deepEqual(check({ clientCa }, { clientCa: [2, 1] }).problems, [
    "The client CA 1 ended on 2026-12-31T00:00:00Z, and is only trusted: take it out of clientCa.",
  ]);
  assert.deepEqual(check({ clientCa }, { clientCa: [2] }).problems, []);
  const dead = check({ clientCa }, { clientCa: [2, 1] }, ["node3 is lost"]);
  assert.deepEqual(dead.problems, [], "a dead member comes first");
  assert.match(dead.warnings.join(), /The client CA 1 ended on/);
});

test("where there are two, the one that ends is named by its number, and only the issuing one is asked to be renewed", () => {
  const soon = { ...terms, expires: "2027-06-01T00:00:00Z" };
  const warned = (list: readonly number[]) =>
    check({ peerCa: proven(list, { "1": soon }) }, { peerCa: list }).warnings;
  assert.match(warned([1, 2]).join(), /^The peer CA 1 ends on 2027-06-01T00:00:00Z/);
  assert.deepEqual(warned([2, 1]), []);
});

test("what a step does is said with the list that comes next", () => {
  const said = (from: readonly number[], to: readonly number[]) => {
    const { text, next } = stepInWords(from, to);
    return `${text} ${next === undefined ? "" : shown(next)}`.trim();
  };
  assert.deepEqual(
    [
      said([1], [1, 2]),
      said([1, 2], [2, 1]),
      said([2, 1], [2]),
      said([2, 1], [1, 2]),
      said([1, 2], [1]),
      said([1, 2], [1, 3]),
    ],
    [
      "step 1 of 3: CA 2 is made, and trusted beside CA 1; each member restarts once [2, 1]",
      "step 2 of 3: CA 2 issues every certificate; nothing restarts [2]",
      "step 3 of 3: CA 1 is dropped; each member restarts once",
      "step 2 taken back: CA 1 issues every certificate; nothing restarts [1]",
      "step 1 taken back: CA 2 is dropped; each member restarts once",
      "step 1 of 3: CA 3 is made, and trusted beside CA 1, and CA 2 is dropped; each member restarts once [3, 1]",
    ],
  );
});
