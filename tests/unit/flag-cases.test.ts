import assert from "node:assert/strict";
import { test } from "node:test";
import { flagsOf } from "../../etcd/flag-tables.ts";
import { knownMinors, securityFloors } from "../../etcd/releases.ts";
import { casesOf, groupsOf, LOG_FOLDER } from "../e2e/flag-cases.ts";
import { problems } from "./configuration.ts";

for (const minor of knownMinors)
  test(`every flag of etcd ${minor} is started with a value that is accepted`, () => {
    const tried = new Set(groupsOf(minor).flatMap((group) => Object.keys(group)));
    assert.deepEqual([...tried].sort(), [...flagsOf(minor).keys()].sort());
    const counted = groupsOf(minor).reduce((sum, group) => sum + Object.keys(group).length, 0);
    assert.equal(
      counted,
      casesOf(minor).reduce((sum, flags) => sum + Object.keys(flags).length, 0),
    );
    const unit = { readWritePaths: [LOG_FOLDER] };
    const version = securityFloors[minor];
    const sha256 = { [version]: { amd64: "ab".repeat(32) } };
    for (const extraFlags of groupsOf(minor))
      assert.deepEqual(problems({ version, sha256, extraFlags, unit }), []);
  });
