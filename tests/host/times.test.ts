// Times as openssl, HTTP and Pulumi's providers write them.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Host } from "./host.ts";

const LAST = Date.UTC(9998, 11, 31, 23, 59, 59);

/** As openssl prints a date: the day has no zero in front. */
function ofOpenssl(date: Date): string {
  const [, day = "", month = "", year = "", clock = ""] = date.toUTCString().split(" ");
  return `${month} ${day.replace(/^0/, " ")} ${clock} ${year} GMT`;
}
/** Two hours east of Greenwich, with a fraction. */
function withZone(date: Date): string {
  return new Date(date.getTime() + 2 * 3600 * 1000).toISOString().replace("Z", "999+02:00");
}

test("all three forms are read, from 1970 on", async (t) => {
  const host = Host.create(t);
  const random = fc.sample(fc.integer({ min: 0, max: LAST / 1000 }), { numRuns: 60, seed: 1 });
  const edges = ["2000-02-29", "2100-02-28", "2100-03-01", "2024-02-29", "2026-01-01", "2026-12-31"];
  const seconds = [0, LAST / 1000, ...edges.map((day) => Date.parse(`${day}T23:59:59Z`) / 1000), ...random];
  const dates = seconds.map((second) => new Date(second * 1000));
  const forms = [ofOpenssl, withZone, (date: Date) => date.toUTCString(), (date: Date) => date.toISOString()];
  for (const form of forms) {
    const { stdout } = await host.shell('while read -r line; do seconds_of "$line"; done', [], {
      stdin: dates.map((date) => `${form(date)}\n`).join(""),
    });
    assert.deepEqual(stdout.trim().split("\n").map(Number), seconds, form(dates[0] ?? new Date()));
  }
  const { stdout } = await host.shell('while read -r line; do utc_time "$line"; done', [], {
    stdin: dates.map((date) => `${ofOpenssl(date)}\n`).join(""),
  });
  assert.deepEqual(
    stdout.trim().split("\n"),
    dates.map((date) => date.toISOString().replace(".000", "")),
  );
});

test("what is no time comes to nothing", async (t) => {
  const host = Host.create(t);
  for (const text of ["", "yesterday", "Foo 27 21:35:59 2026 GMT", "2026-11-27", "Nov 27 21:35 2026 GMT"])
    assert.equal((await host.shell(`seconds_of '${text}'`)).stdout, "", text);
});
