import assert from "node:assert/strict";
import { test } from "node:test";
import { OWNED_FLAGS } from "../../host/unit.ts";
import { config, problems, read } from "./configuration.ts";

for (const [what, values, sentence] of [
  ["a heartbeat of 0", { heartbeatInterval: 0 }, "heartbeatInterval: must be at least 1, not 0."],
  [
    "an election below five heartbeats",
    { electionTimeout: 499 },
    "electionTimeout: 499 ms is less than five heartbeats of 100 ms, which etcd refuses; use 500 or more.",
  ],
  [
    "a heartbeat above a fifth of the election",
    { heartbeatInterval: 201 },
    "electionTimeout: 1000 ms is less than five heartbeats of 201 ms, which etcd refuses; use 1005 or more.",
  ],
  [
    "an election above 50 s",
    { electionTimeout: 50001 },
    "electionTimeout: must be from 1 to 50000, not 50001.",
  ],
  ["a time in quotes", { heartbeatInterval: "100" }, 'heartbeatInterval: must be a whole number, not "100".'],
  [
    "part of a millisecond",
    { heartbeatInterval: 0.5 },
    "heartbeatInterval: must be a whole number, not 0.5.",
  ],
  ["no quota", { quotaBackendBytes: 0 }, "quotaBackendBytes: must be at least 1, not 0."],
  [
    "an unknown compaction",
    { autoCompactionMode: "periodical" },
    'autoCompactionMode: "periodical" is not one of periodic, revision; did you mean periodic.',
  ],
  [
    "a retention that is no duration",
    { autoCompactionRetention: "1 hour" },
    'autoCompactionRetention: "1 hour" is not a duration; write it like "1h" or "30m".',
  ],
  [
    "a retention that is no number",
    { autoCompactionMode: "revision", autoCompactionRetention: "1h" },
    'autoCompactionRetention: "1h" is not a number of revisions; write it like "1000".',
  ],
  ["no snapshots", { snapshotCount: 0 }, "snapshotCount: must be at least 1, not 0."],
  [
    "an unknown log level",
    { logLevel: "verbose" },
    'logLevel: "verbose" is not one of debug, info, warn, error, panic, fatal.',
  ],
  [
    "an old TLS version",
    { tlsMinVersion: "TLS1.1" },
    'tlsMinVersion: "TLS1.1" is not one of TLS1.2, TLS1.3; did you mean TLS1.2.',
  ],
  [
    "ciphers beside TLS 1.3",
    { tlsMinVersion: "TLS1.3", cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] },
    "cipherSuites: cannot be chosen with tlsMinVersion TLS1.3, which has its own; leave it out.",
  ],
  [
    "ciphers for other keys",
    { cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] },
    "cipherSuites: none of them works with ECDSA keys (keyAlgorithm); add one with _ECDSA_ in its name.",
  ],
  ["a cipher that is a number", { cipherSuites: [4865] }, "cipherSuites[0]: must be a string, not 4865."],
  [
    "metrics on a name",
    { metricsUrl: "http://localhost:2381" },
    'metricsUrl: "http://localhost:2381" is not a URL with an IP address and a port; write it like http://127.0.0.1:2381.',
  ],
  [
    "metrics without a port",
    { metricsUrl: "http://127.0.0.1" },
    'metricsUrl: "http://127.0.0.1" is not a URL with an IP address and a port; write it like http://127.0.0.1:2381.',
  ],
  [
    "metrics with a path",
    { metricsUrl: "http://127.0.0.1:2381/metrics" },
    'metricsUrl: "http://127.0.0.1:2381/metrics" is not a URL with an IP address and a port; write it like http://127.0.0.1:2381.',
  ],
  [
    "metrics on port 0",
    { metricsUrl: "http://127.0.0.1:0" },
    'metricsUrl: "http://127.0.0.1:0" is not a URL with an IP address and a port; write it like http://127.0.0.1:2381.',
  ],
  [
    "metrics on the client port",
    { metricsUrl: "http://0.0.0.0:2379" },
    "metricsUrl: port 2379 is etcd's own; use another one, like 2381.",
  ],
  [
    "metrics on one host's address",
    { metricsUrl: "http://192.168.1.101:2381" },
    "metricsUrl: 192.168.1.101 can be the address of only one host; use 127.0.0.1, or 0.0.0.0 for all.",
  ],
  [
    "an unknown key algorithm",
    { keyAlgorithm: "RSA" },
    'keyAlgorithm: "RSA" is not one of ECDSA-P256, RSA-2048, RSA-4096.',
  ],
  [
    "leafs that outlive the CA",
    { leafValidityDays: 1825 },
    "leafValidityDays: 1825 days are not less than the CA's 1825 (caValidityDays); use fewer.",
  ],
  [
    "an authority that every up would renew",
    { caRenewBeforeDays: 1825 },
    "caRenewBeforeDays: 1825 days are not less than the CA's whole life of 1825 (caValidityDays): every up would renew it; use fewer.",
  ],
  [
    "a renewal before the start",
    { renewBeforeDays: 366 },
    "renewBeforeDays: 366 days are more than a leaf certificate's 365 (leafValidityDays); use fewer.",
  ],
] as const) {
  test(`${what}: refused in one sentence`, () => {
    assert.deepEqual(problems(values), [sentence]);
  });
}

test("a suite that etcd would not offer safely is refused with those that can be chosen", () => {
  const [sentence] = problems({ cipherSuites: ["TLS_RSA_WITH_RC4_128_SHA"] });
  assert.match(
    sentence ?? "",
    /^cipherSuites: "TLS_RSA_WITH_RC4_128_SHA" is not a cipher suite accepted here; choose from TLS_ECDHE_ECDSA_/,
  );
});

test("with TLS 1.3 the default ciphers are left out; an empty list leaves the choice to etcd", () => {
  assert.deepEqual(config({ tlsMinVersion: "TLS1.3" }).settings.cipherSuites, []);
  assert.deepEqual(config({ tlsMinVersion: "TLS1.3", cipherSuites: [] }).settings.cipherSuites, []);
  assert.deepEqual(config({ cipherSuites: [] }).settings.cipherSuites, []);
});

test("what etcd accepts is accepted", () => {
  for (const metricsUrl of [
    "https://0.0.0.0:2381",
    "http://[::1]:9379",
    "http://[::]:2381",
    "http://127.0.0.2:2381",
  ]) {
    assert.deepEqual(problems({ metricsUrl }), [], metricsUrl);
  }
  for (const autoCompactionRetention of ["0", "8", "1h30m", "1.5h", "90s"]) {
    assert.deepEqual(problems({ autoCompactionRetention }), [], autoCompactionRetention);
  }
  assert.deepEqual(problems({ autoCompactionMode: "revision", autoCompactionRetention: "5000" }), []);
  assert.deepEqual(problems({ heartbeatInterval: 10000, electionTimeout: 50000 }), []);
  const rsa = { keyAlgorithm: "RSA-4096", cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"] };
  assert.deepEqual(problems(rsa), []);
});

test("a single node's metrics may be on its own address", () => {
  const nodes = [{ name: "a", address: "10.0.0.1" }];
  assert.deepEqual(problems({ nodes, metricsUrl: "http://10.0.0.1:2381" }), []);
});

test("a renewal on every run only warns: it is the way to have all certificates renewed now", () => {
  const parsed = read({ renewBeforeDays: 365 });
  assert.deepEqual(parsed.problems, []);
  assert.deepEqual(parsed.warnings, [
    "renewBeforeDays: every run renews every leaf certificate; lower it again once they are renewed.",
  ]);
  assert.deepEqual(read({ renewBeforeDays: 364 }).warnings, []);
});

test("a CA that is due again soon after it is renewed is warned of", () => {
  assert.deepEqual(read({ caRenewBeforeDays: 912 }).warnings, []);
  assert.deepEqual(read({ caRenewBeforeDays: 1800 }).warnings, [
    "caRenewBeforeDays: a CA that is renewed is due again 25 days later; lower it again once it is renewed.",
  ]);
});

test("a quota above 8 GiB only warns", () => {
  const parsed = read({ quotaBackendBytes: 9 * 1024 ** 3 });
  assert.deepEqual(parsed.problems, []);
  assert.deepEqual(parsed.warnings, [
    "quotaBackendBytes: 9663676416 is above the 8 GiB that etcd is tested with.",
  ]);
});

for (const [flag, value, version, sentence] of [
  ["--max-txn-ops", 1, "3.6.14", "write the flag without hyphens in front: max-txn-ops."],
  ["name", "x", "3.6.14", "this flag is set by nodes; use that."],
  ["heartbeat-interval", 100, "3.6.14", "this flag is set by heartbeatInterval; use that."],
  ["cert-file", "/x", "3.6.14", "this flag is set by the program itself; leave it out."],
  ["unsafe-no-fsync", true, "3.6.14", "this flag cannot be set here: it loses acknowledged writes."],
  [
    "wal-dir",
    "/wal",
    "3.6.14",
    "this flag cannot be set here: a member is kept from starting empty by the WAL in its data directory.",
  ],
  ["enable-v2", true, "3.5.33", "this flag cannot be set here: etcd 3.6 removed it."],
  ["max-request-byte", 1, "3.6.14", "etcd 3.6 has no such flag; did you mean max-request-bytes."],
  ["colour", "red", "3.6.14", "etcd 3.6 has no such flag."],
  [
    "experimental-corrupt-check-time",
    "4h",
    "3.6.14",
    "etcd 3.6 calls this flag corrupt-check-time; use that.",
  ],
  [
    "experimental-corrupt-check-time",
    "4h",
    "3.7.1",
    "etcd 3.7 calls this flag corrupt-check-time; use that.",
  ],
  [
    "experimental-enable-lease-checkpoint",
    true,
    "3.7.1",
    "etcd 3.7 calls this flag feature-gates=LeaseCheckpoint=true; use that.",
  ],
  [
    "corrupt-check-time",
    "4h",
    "3.5.33",
    "etcd 3.5 calls this flag experimental-corrupt-check-time; use that.",
  ],
  ["log-format", "json", "3.5.33", "etcd 3.5 has no such flag."],
  ["max-txn-ops", "many", "3.6.14", 'must be a whole number, not "many".'],
  ["pre-vote", "on", "3.6.14", 'must be true or false, not "on".'],
  ["raft-read-timeout", 5, "3.6.14", 'must be a duration like "10s", not 5.'],
  ["metrics", { detail: "extensive" }, "3.6.14", 'must be text on one line, not {"detail":"extensive"}.'],
  [
    "metrics",
    "basic\nExecStartPre=/bin/false",
    "3.6.14",
    'must be text on one line, not "basic\\nExecStartPre=/bin/false".',
  ],
] as const) {
  test(`the flag ${flag}=${JSON.stringify(value)} is refused for ${version}`, () => {
    assert.deepEqual(problems({ version, extraFlags: { [flag]: value } }), [
      `extraFlags.${flag}: ${sentence}`,
    ]);
  });
}

test("every flag that the unit sets is refused, whatever the version", () => {
  for (const version of ["3.5.33", "3.6.14", "3.7.1"]) {
    for (const flag of OWNED_FLAGS) {
      const [sentence, ...others] = problems({ version, extraFlags: { [flag]: "x" } });
      assert.match(sentence ?? "", /: this flag (is set by|cannot be set here)/, flag);
      assert.deepEqual(others, []);
    }
  }
});

test("flags of any version are passed on as texts", () => {
  assert.deepEqual(
    config({
      extraFlags: {
        "max-request-bytes": 2097152,
        "pre-vote": true,
        metrics: "extensive",
        "raft-read-timeout": "5s",
      },
    }).settings.extraFlags,
    { "max-request-bytes": "2097152", "pre-vote": "true", metrics: "extensive", "raft-read-timeout": "5s" },
  );
  assert.deepEqual(
    problems({ version: "3.5.33", extraFlags: { "experimental-corrupt-check-time": "4h" } }),
    [],
  );
  assert.deepEqual(
    problems({ version: "3.7.1", extraFlags: { "feature-gates": "PriorityRequest=true" } }),
    [],
  );
});

test("with a wrong version the flags of all versions are still judged", () => {
  assert.deepEqual(problems({ version: "3.6", extraFlags: { name: "x", "log-format": "json" } }), [
    'version: "3.6" is not an etcd release; write it like 3.6.14.',
    "extraFlags.name: this flag is set by nodes; use that.",
  ]);
});

test("the CAs are numbers, one or two, the one that issues first", () => {
  const { clientCa, peerCa } = config({ clientCa: [2, 1] }).certificates;
  assert.deepEqual([clientCa, peerCa], [[2, 1], [1]]);
  for (const wrong of [[], [1, 2, 3], [1, 1], [0], ["1"], [1.5], 2, "1,2"])
    assert.deepEqual(problems({ peerCa: wrong }), [
      `peerCa: must be the numbers of one or two CAs, each once and the one that issues first, like [1] or [1, 2], not ${JSON.stringify(wrong)}.`,
    ]);
});
