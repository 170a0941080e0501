import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems, read } from "./configuration.ts";

test("databases are defragmented on a schedule only where it is asked for", () => {
  assert.equal(config({ maintenance: undefined }).maintenance, undefined);
  assert.match(
    read({ maintenance: undefined }).warnings.join(),
    /^maintenance: no database is defragmented on a schedule/,
  );
  assert.deepEqual(read({ maintenance: { defragment: "off" } }).warnings, []);
  assert.equal(config({ maintenance: { defragment: "off" } }).maintenance, undefined);
  const weekly = { defragment: "weekly", at: "Sun 03:00", freeMiB: 100, freePercent: 45 } as const;
  assert.deepEqual(config({ maintenance: {} }).maintenance, weekly);
  assert.deepEqual(config({ maintenance: { defragment: "daily" } }).maintenance, {
    ...weekly,
    defragment: "daily",
    at: "03:00",
  });
});

test("its time is of the kind that it repeats in, and its rule is one", () => {
  const saying = (maintenance: object) => problems({ maintenance }).join();
  assert.match(
    saying({ at: "03:00" }),
    /maintenance\.at: "03:00" is not a time for weekly; write it in UTC, like "Sun/,
  );
  assert.match(saying({ defragment: "daily", at: "Sun 03:00" }), /is not a time for daily/);
  assert.match(saying({ at: "Sun 24:00" }), /is not a time for weekly/);
  assert.match(saying({ freePercent: 100 }), /freePercent: must be from 1 to 99/);
  assert.match(saying({ freeMib: 1 }), /maintenance\.freeMib: no such setting; did you mean freeMiB/);
});
