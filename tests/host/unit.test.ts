import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { lineDiff, unitChanges } from "../../cli/plan/unit-diff.ts";
import { defaults } from "../../config/defaults.ts";
import { quoteUnitArgument } from "../../host/quote.ts";
import {
  ADDED_LINES,
  EC2_METADATA,
  OWNED_FLAGS,
  renderUnit,
  SETTING_LINES,
  type ServiceSettings,
  type UnitSettings,
  type UnitSpec,
} from "../../host/unit.ts";
import { config } from "../unit/configuration.ts";

const settings: UnitSettings = {
  heartbeatInterval: defaults.heartbeatInterval,
  electionTimeout: defaults.electionTimeout,
  quotaBackendBytes: defaults.quotaBackendBytes,
  autoCompactionMode: defaults.autoCompactionMode,
  autoCompactionRetention: defaults.autoCompactionRetention,
  snapshotCount: defaults.snapshotCount,
  logLevel: defaults.logLevel,
  tlsMinVersion: defaults.tlsMinVersion,
  cipherSuites: defaults.cipherSuites,
  metricsUrl: defaults.metricsUrl,
  extraFlags: {},
  service: config().settings.service,
};

const node1: UnitSpec = {
  name: "node1",
  version: "3.6.14",
  dataDir: "/var/lib/etcd",
  peerUrl: "https://192.168.1.101:2380",
  clientUrl: "https://192.168.1.101:2379",
  listenPeerUrl: "https://192.168.1.101:2380",
  listenClientUrls: ["https://192.168.1.101:2379", "https://127.0.0.1:2379"],
  settings,
};

function withSettings(changed: Partial<UnitSettings>, spec: UnitSpec = node1): string {
  return renderUnit({ ...spec, settings: { ...spec.settings, ...changed } });
}

/** The flags of a unit's ExecStart. None of those of the tests needs quoting. */
function flagsOf(unit: string): Map<string, string> {
  return new Map(
    [...unit.matchAll(/^ {2}--([^=\n]+)=(.*?)(?: \\)?$/gm)].map(([, flag = "", value = ""]) => [flag, value]),
  );
}

test("the unit of the article's first host is this text", () => {
  const golden = fs.readFileSync(path.join(import.meta.dirname, "unit.golden.service"), "utf8");
  assert.equal(renderUnit(node1), golden);
});

test("an address that etcd has no business with is one more line, which a plan takes for the program's own", () => {
  const after = renderUnit({ ...node1, deniedAddresses: EC2_METADATA });
  const diff = lineDiff(renderUnit(node1), after);
  assert.deepEqual(diff, ["+IPAddressDeny=169.254.169.254 fd00:ec2::254"]);
  assert.deepEqual(unitChanges(diff), ["a new version of the program"]);
});

test("one changed setting is one changed line", () => {
  const changes: Partial<UnitSettings>[] = [
    { heartbeatInterval: 150 },
    { electionTimeout: 1500 },
    { quotaBackendBytes: 8 * 1024 ** 3 },
    { autoCompactionMode: "revision" },
    { autoCompactionRetention: "1000" },
    { snapshotCount: 20000 },
    { logLevel: "debug" },
    { cipherSuites: ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"] },
    { metricsUrl: "http://0.0.0.0:2381" },
  ];
  const before = renderUnit(node1).split("\n");
  for (const change of changes) {
    const after = withSettings(change).split("\n");
    assert.equal(after.length, before.length);
    const changed = after.filter((line, index) => line !== before[index]);
    assert.equal(changed.length, 1, JSON.stringify(change));
    assert.match(changed.join(), /^ {2}--/);
  }
});

test("one further flag is one more line", () => {
  const before = renderUnit(node1).split("\n");
  const after = withSettings({ extraFlags: { "max-request-bytes": "2097152" } }).split("\n");
  assert.deepEqual(
    after.filter((line) => !before.includes(line)),
    ["  --max-request-bytes=2097152 \\"],
  );
  assert.equal(after.length, before.length + 1);
});

test("a new version is one changed line, with the path that it is run from", () => {
  const before = renderUnit(node1).split("\n");
  const after = renderUnit({ ...node1, version: "3.6.15" }).split("\n");
  const changed = after.filter((line, index) => line !== before[index]);
  assert.deepEqual(changed, ["ExecStart=/opt/etcd/3.6.15/etcd \\"]);
});

test("corruption checks are on in each minor, by the name that it knows", () => {
  const flags = (version: string) => flagsOf(renderUnit({ ...node1, version }));
  const old = flags("3.5.35");
  assert.equal(old.get("experimental-initial-corrupt-check"), "true");
  assert.equal(old.get("experimental-compact-hash-check-enabled"), "true");
  assert.equal(old.has("feature-gates"), false);
  for (const version of ["3.6.14", "3.7.3"]) {
    assert.equal(flags(version).get("feature-gates"), "InitialCorruptCheck=true,CompactHashCheck=true");
    for (const flag of flags(version).keys()) assert.doesNotMatch(flag, /^experimental-/);
  }
});

test("further feature gates are added to them, and may turn one off", () => {
  const extraFlags = { "feature-gates": "CompactHashCheck=false,LeaseCheckpoint=true" };
  const gates = flagsOf(withSettings({ extraFlags })).get("feature-gates");
  assert.equal(gates, "InitialCorruptCheck=true,CompactHashCheck=false,LeaseCheckpoint=true");
});

test("TLS 1.3 comes without a cipher list, which etcd refuses beside it", () => {
  const flags = flagsOf(withSettings({ tlsMinVersion: "TLS1.3" }));
  assert.equal(flags.get("tls-min-version"), "TLS1.3");
  assert.equal(flags.has("cipher-suites"), false);
  assert.equal(flagsOf(renderUnit(node1)).has("cipher-suites"), true);
  assert.equal(flagsOf(withSettings({ cipherSuites: [] })).has("cipher-suites"), false);
});

test("IPv6 URLs stand as they are", () => {
  const url = (port: number) => `https://[2001:db8::11]:${port}`;
  const flags = flagsOf(
    renderUnit({
      ...node1,
      peerUrl: url(2380),
      clientUrl: url(2379),
      listenPeerUrl: url(2380),
      listenClientUrls: [url(2379), "https://127.0.0.1:2379"],
    }),
  );
  assert.equal(flags.get("listen-peer-urls"), "https://[2001:db8::11]:2380");
  assert.equal(flags.get("listen-client-urls"), "https://[2001:db8::11]:2379,https://127.0.0.1:2379");
  assert.equal(flags.get("advertise-client-urls"), "https://[2001:db8::11]:2379");
});

test("the data directory is where the unit looks for a WAL and where etcd may write", () => {
  const unit = renderUnit({ ...node1, dataDir: "/srv/etcd" });
  for (const line of [
    "RequiresMountsFor=/srv/etcd",
    "AssertPathExistsGlob=|/srv/etcd/member/wal/*.wal",
    "ReadWritePaths=/srv/etcd",
    "  --data-dir=/srv/etcd \\",
  ])
    assert.ok(unit.includes(`\n${line}\n`), line);
  assert.doesNotMatch(unit, /\/var\/lib\/etcd/);
});

const all: ServiceSettings = {
  oomScoreAdjust: -500,
  memoryHigh: "75%",
  memoryMax: "6G",
  cpuWeight: 500,
  ioWeight: 1000,
  nice: -10,
  limitNOFILE: 1048576,
  limitMEMLOCK: "4G",
  environment: { GOMEMLIMIT: "5GiB", GOGC: "50" },
  readWritePaths: ["/var/log/etcd", "/srv/logs"],
  privateUsers: false,
};

test("what the service gets of its host is a line each, and nothing else changes", () => {
  const before = renderUnit(node1).split("\n");
  const after = withSettings({ service: all }).split("\n");
  assert.deepEqual(
    after.filter((line) => !before.includes(line)),
    [
      "Environment=GOMEMLIMIT=5GiB",
      "Environment=GOGC=50",
      "LimitNOFILE=1048576",
      "LimitMEMLOCK=4G",
      "OOMScoreAdjust=-500",
      "Nice=-10",
      "MemoryHigh=75%",
      "MemoryMax=6G",
      "CPUWeight=500",
      "IOWeight=1000",
      "ReadWritePaths=/var/log/etcd",
      "ReadWritePaths=/srv/logs",
      "PrivateUsers=no",
    ],
  );
  assert.deepEqual(
    before.filter((line) => !after.includes(line)),
    ["LimitNOFILE=65536", "OOMScoreAdjust=-900", "PrivateUsers=yes"],
  );
});

test("the lines that come from settings are named, and all others are the program's own", () => {
  const before = renderUnit(node1).split("\n");
  const after = withSettings({ service: all, extraFlags: { "memory-mlock": "true" } }).split("\n");
  const changed = [
    ...before.filter((line) => !after.includes(line)),
    ...after.filter((line) => !before.includes(line)),
  ];
  const names = changed.filter((line) => !line.startsWith("  --")).map((line) => line.replace(/=.*/, ""));
  assert.deepEqual([...new Set([...names, "ExecStart"])].sort(), [...SETTING_LINES].sort());
  for (const line of ADDED_LINES) assert.ok(before.includes(line), line);
});

for (const [version, flag] of [
  ["3.5.35", "experimental-memory-mlock"],
  ["3.6.14", "memory-mlock"],
] as const) {
  test(`with ${flag} as much memory may be locked as the database takes, or as is set`, () => {
    const limits = (value: string, limitMEMLOCK?: string) =>
      withSettings(
        { extraFlags: { [flag]: value }, service: { ...settings.service, limitMEMLOCK } },
        { ...node1, version },
      ).match(/^LimitMEMLOCK=.*$/gm);
    assert.deepEqual(limits("true"), ["LimitMEMLOCK=infinity"]);
    assert.deepEqual(limits("true", "4G"), ["LimitMEMLOCK=4G"]);
    assert.equal(limits("false"), null);
  });
}

test("every flag that a unit sets is owned by the program: extraFlags cannot give it twice", () => {
  const text = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const spec = fc.record({
    version: fc.constantFrom("3.5.35", "3.6.14", "3.7.3"),
    tlsMinVersion: fc.constantFrom("TLS1.2", "TLS1.3"),
    cipherSuites: fc.array(text, { maxLength: 2 }),
    dataDir: text.map((name) => `/srv/${name}`),
  });
  // corruption checks are the only ones that a user may change: as gates, which are merged, or by their old names
  const shared = [
    "feature-gates",
    "experimental-initial-corrupt-check",
    "experimental-compact-hash-check-enabled",
  ];
  fc.assert(
    fc.property(spec, ({ version, dataDir, ...tls }) => {
      const unit = withSettings(tls, { ...node1, version, dataDir });
      const flags = [...flagsOf(unit).keys()].filter((flag) => !shared.includes(flag));
      assert.deepEqual(
        flags.filter((flag) => !OWNED_FLAGS.includes(flag)),
        [],
      );
      assert.ok(flags.length >= 20);
    }),
  );
});

test("settings that etcd reads once are never flags: the same one in the environment would be fatal", () => {
  const flags = [...flagsOf(renderUnit(node1)).keys()];
  assert.deepEqual(
    flags.filter((flag) => flag.startsWith("initial-") || flag === "config-file"),
    [],
  );
});

test("an argument reaches etcd as it is, through systemd's own quoting", () => {
  assert.equal(quoteUnitArgument("--name=node1"), "--name=node1");
  assert.equal(quoteUnitArgument("--log-outputs=/var/log/100%"), "--log-outputs=/var/log/100%%");
  assert.equal(quoteUnitArgument("--x=$HOME $y"), '"--x=$$HOME $$y"');
  assert.equal(quoteUnitArgument(`--x=a "b" 'c' \\d;`), `"--x=a \\"b\\" 'c' \\\\d;"`);
});

for (const [what, service] of [
  ["with its defaults", settings.service],
  ["with everything set", all],
] as const)
  test(`systemd finds nothing wrong with the unit ${what}`, () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-unit-"));
    try {
      // systemd looks for the programs: here they are ones that every machine has
      const unit = withSettings({ service })
        .replace("/opt/etcd/3.6.14/etcd", "/bin/true")
        .replaceAll("/usr/local/sbin/etcd-host", "/bin/true");
      const file = path.join(folder, "etcd.service");
      fs.writeFileSync(file, unit);
      const { status, stdout, stderr } = spawnSync(
        "systemd-analyze",
        ["verify", "--man=no", "--recursive-errors=no", file],
        { encoding: "utf8" },
      );
      assert.deepEqual([status, `${stdout}${stderr}`], [0, ""]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
