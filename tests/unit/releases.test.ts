import assert from "node:assert/strict";
import { test } from "node:test";
import { knownMinors, parseVersion, refuseStep, upgradesFrom, type Version } from "../../etcd/releases.ts";

function version(text: string): Version {
  return parseVersion(text) ?? assert.fail(text);
}

function refused(from: string, to: string, downgrade = false): string | undefined {
  return refuseStep(version(from), version(to), downgrade);
}

test("within a minor every step is allowed, up and back", () => {
  for (const minor of knownMinors) {
    assert.equal(refused(`${minor}.1`, `${minor}.40`), undefined);
    assert.equal(refused(`${minor}.40`, `${minor}.1`), undefined);
  }
});

test("a minor up is allowed from its floor on, whatever the patch it goes to", () => {
  assert.equal(refused("3.5.32", "3.6.0"), undefined);
  assert.equal(refused("3.6.11", "3.7.1"), undefined);
  const floor = (wanted: string, from: string) =>
    `the upgrade to ${wanted} is safe only from ${from} on; go to ${from} or newer first`;
  assert.equal(refused("3.5.31", "3.6.14"), floor("3.6", "3.5.32"));
  assert.equal(refused("3.6.10", "3.7.1"), floor("3.7", "3.6.11"));
});

test("no minor is skipped, no major crossed, with or without a downgrade allowed", () => {
  for (const downgrade of [false, true]) {
    const skipped = "etcd goes up one minor at a time; go to 3.6 first";
    assert.equal(refused("3.5.33", "3.7.1", downgrade), skipped);
    const major = "etcd has no upgrade between major versions";
    assert.equal(refused("3.6.14", "4.7.0", downgrade), major);
    assert.equal(refused("4.6.0", "3.6.14", downgrade), major);
  }
});

test("one minor back is the downgrade procedure, which has to be allowed", () => {
  for (const [from, to, old, wanted] of [
    ["3.7.1", "3.6.14", "3.7", "3.6"],
    ["3.6.0", "3.5.40", "3.6", "3.5"],
  ] as const) {
    assert.equal(refused(from, to, true), undefined);
    assert.equal(
      refused(from, to),
      `going back from ${old} to ${wanted} is etcd's downgrade procedure; add downgrade to etcd:allow to run it`,
    );
  }
});

test("two minors back are never one step", () => {
  for (const downgrade of [false, true]) {
    const twice = "etcd goes back one minor at a time; go to 3.6 first";
    assert.equal(refused("3.7.1", "3.5.33", downgrade), twice);
  }
});

test("the hosts are told the very floor that the preview judges by", () => {
  for (const minor of knownMinors.slice(1)) {
    const from = upgradesFrom(`${minor}.14`) ?? assert.fail(minor);
    const { major, minor: old, patch } = version(from);
    assert.equal(refused(from, `${minor}.14`), undefined);
    assert.notEqual(refused(`${major}.${old}.${patch - 1}`, `${minor}.14`), undefined);
  }
  assert.deepEqual(
    ["3.6.0", "3.6.14", "3.7.1"].map((one) => upgradesFrom(one)),
    ["3.5.32", "3.5.32", "3.6.11"],
  );
});

test("the first known minor has none before it, and what is no version neither", () => {
  assert.equal(upgradesFrom("3.5.33"), undefined);
  assert.equal(upgradesFrom("3.6"), undefined);
});
