import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems } from "./configuration.ts";

test("without the setting the service has these limits, and no others", () => {
  assert.deepEqual(config().settings.service, {
    oomScoreAdjust: -900,
    memoryHigh: undefined,
    memoryMax: undefined,
    cpuWeight: undefined,
    ioWeight: undefined,
    nice: undefined,
    limitNOFILE: 65536,
    limitMEMLOCK: undefined,
    environment: {},
    readWritePaths: [],
    privateUsers: true,
  });
});

test("all of it can be set", () => {
  const unit = {
    oomScoreAdjust: -500,
    memoryHigh: "75%",
    memoryMax: "6G",
    cpuWeight: 500,
    ioWeight: 10000,
    nice: -10,
    limitNOFILE: 1048576,
    limitMEMLOCK: "infinity",
    environment: { GOMEMLIMIT: "5GiB", GOGC: "off", GOMAXPROCS: "4", GOTRACEBACK: "single" },
    readWritePaths: ["/var/log/etcd", "/srv/etcd-logs"],
    privateUsers: false,
  };
  assert.deepEqual(config({ unit }).settings.service, unit);
});

test("a number may stand for bytes, for a count and for a number of processors", () => {
  const { memoryMax, environment } = config({
    unit: { memoryMax: 1024 ** 3, environment: { GOMAXPROCS: 4, GOGC: 50 } },
  }).settings.service;
  assert.deepEqual([memoryMax, environment], ["1073741824", { GOMAXPROCS: "4", GOGC: "50" }]);
});

const choices = "choose from GOMEMLIMIT, GOGC, GOMAXPROCS, GOTRACEBACK";

for (const [unit, ...sentences] of [
  [{ oomScoreAdj: -900 }, "unit.oomScoreAdj: no such setting; did you mean oomScoreAdjust."],
  [{ oomScoreAdjust: -1001 }, "unit.oomScoreAdjust: must be from -1000 to 1000, not -1001."],
  [{ cpuWeight: 0 }, "unit.cpuWeight: must be from 1 to 10000, not 0."],
  [{ ioWeight: 10001 }, "unit.ioWeight: must be from 1 to 10000, not 10001."],
  [{ nice: 20 }, "unit.nice: must be from -20 to 19, not 20."],
  [{ limitNOFILE: 512 }, "unit.limitNOFILE: must be from 1024 to 1073741824, not 512."],
  [{ privateUsers: "no" }, 'unit.privateUsers: must be true or false, not "no".'],
  [{ memoryMax: "6GB" }, 'unit.memoryMax: "6GB" is not a size; write it like "6G", "75%" or "infinity".'],
  [{ memoryHigh: "101%" }, 'unit.memoryHigh: "101%" is not a size; write it like "6G", "75%" or "infinity".'],
  [{ memoryMax: "128M" }, "unit.memoryMax: 128M is less than the 256M that etcd needs."],
  [
    { memoryMax: "1G\nExecStartPre=/bin/false" },
    'unit.memoryMax: "1G\\nExecStartPre=/bin/false" is not a size; write it like "6G", "75%" or "infinity".',
  ],
  [{ limitMEMLOCK: "50%" }, 'unit.limitMEMLOCK: "50%" is not a size; write it like "6G" or "infinity".'],
  [{ memoryHigh: "8G", memoryMax: "6G" }, "unit.memoryHigh: 8G is more than memoryMax, 6G; use less."],
  [
    { memoryMax: "6G", environment: { GOMEMLIMIT: "6GiB" } },
    "unit.environment.GOMEMLIMIT: 6GiB is not less than memoryMax, 6G, which counts the database's pages too; use less.",
  ],
  [
    { environment: { GOGC: "off" } },
    "unit.environment.GOGC: off lets the heap grow without end; set GOMEMLIMIT beside it.",
  ],
  [
    { environment: { GOMEMLIMIT: "4G" } },
    'unit.environment.GOMEMLIMIT: "4G" is not a value for it; write it like "4GiB".',
  ],
  [
    { environment: { ETCD_QUOTA_BACKEND_BYTES: "1" } },
    "unit.environment.ETCD_QUOTA_BACKEND_BYTES: is not a variable that may be set here; use the flag's own setting, or extraFlags.",
  ],
  [
    { environment: { LD_PRELOAD: "/tmp/x.so" } },
    `unit.environment.LD_PRELOAD: is not a variable that may be set here; ${choices}.`,
  ],
  [
    { readWritePaths: ["/var/log", "logs"] },
    "unit.readWritePaths[0]: /var/log belongs to the system; use a folder for etcd alone, like /var/log/etcd.",
    'unit.readWritePaths[1]: "logs" is not an absolute path; write it like /var/log/etcd.',
  ],
  [
    { readWritePaths: ["/etc/etcd/pki", "/usr/local/sbin"] },
    "unit.readWritePaths[0]: /etc/etcd/pki is where this program keeps what runs on hosts, and its records; use a folder for etcd alone, like /var/log/etcd.",
    "unit.readWritePaths[1]: /usr/local/sbin belongs to the system; use a folder for etcd alone, like /var/log/etcd.",
  ],
  [
    { readWritePaths: ["/var/log/etcd", "/var/log/etcd"] },
    "unit.readWritePaths[1]: /var/log/etcd is listed twice; list each folder once.",
  ],
] as const) {
  test(`unit: ${JSON.stringify(unit)} is refused`, () => {
    assert.deepEqual(problems({ unit }), sentences);
  });
}
