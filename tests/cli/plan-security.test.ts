// A hostile pull request of each kind, and the comment that a reviewer reads.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviations, onlyRenewals, samePlan } from "../../cli/plan/compare.ts";
import { UNKNOWN } from "../../cli/plan/preview.ts";
import { terminal } from "../../cli/plan/terminal.ts";
import { defaults } from "../../config/defaults.ts";
import { releases } from "../../etcd/releases.ts";
import { call, type Parts, restarts } from "./preview.ts";
import {
  comment,
  flags,
  type Hostile,
  installs,
  lines,
  NOW,
  pinned,
  planWith,
  testComments,
} from "./security-plans.ts";

const evil = "e".repeat(64);

/** Another instance: its id is in the step's text. */
function unknownInstall(proxy: string): NonNullable<Parts["changes"]> {
  const [change] = Object.values(
    installs({ proxy, mirror: defaults.mirror, "sha256-arm64": releases["3.6.14"]?.arm64 ?? "" }, {}) ?? {},
  );
  const unknown = { create: UNKNOWN, update: UNKNOWN };
  return { "node1-binaries": { op: "update", reasons: ["create"], old: change?.old ?? {}, new: unknown } };
}

const hostile: Hostile = {
  "another archive from another mirror": [
    planWith({ changes: installs({}, { "sha256-amd64": evil, mirror: "https://mirror.evil" }) ?? {} }),
    [
      /^\| archive: mirror of etcd's archives of node1 \| https&#58;\/\/ours \| https&#58;\/\/mirror\.evil \|$/,
      new RegExp(
        `^\\| archive: sha256 of etcd 3\\.6\\.14 \\(amd64\\) of node1 \\| ${pinned} \\| ${evil} \\(not the release: it runs as root on every host\\) \\|$`,
      ),
    ],
  ],
  "a version that only the stack file knows": [
    planWith({ changes: installs({}, { version: "3.6.99", "sha256-amd64": evil }) ?? {} }),
    [
      new RegExp(
        `^\\| archive: sha256 of etcd 3\\.6\\.99 \\(amd64\\) of node1 \\| none \\| ${evil} \\(the stack file's word: this program knows no digest of it\\) \\|$`,
      ),
    ],
  ],
  "a proxy for the download": [
    planWith({ changes: installs({}, { proxy: "http://203.0.113.1:3128" }) ?? {} }),
    [/^\| archive: proxy of the download of node1 \| none \| http&#58;\/\/203\.0\.113\.1:3128 \|$/],
  ],
  "etcd listens everywhere, and tells its metrics in the clear": [
    planWith({
      changes:
        flags({
          "listen-client-urls": "https://0.0.0.0:2379",
          "listen-metrics-urls": "http://0.0.0.0:2381",
        }) ?? {},
    }),
    [
      /^\| listener: --listen-client-urls of node1 \| none \| https&#58;\/\/0\.0\.0\.0:2379 \(every address of the host\) \|$/,
      /^\| listener: --listen-metrics-urls of node1 \| none \| http&#58;\/\/0\.0\.0\.0:2381 \(every address of the host, without TLS, for whoever reaches it\) \|$/,
    ],
  ],
  "flags that weaken": [
    planWith({
      changes:
        flags({
          "enable-pprof": "true",
          "tls-min-version": "TLS1.2",
          "client-cert-auth": "false",
          cors: "*",
        }) ?? {},
    }),
    [
      /^\| flag: --client-cert-auth of node1 \| none \| false \|$/,
      /^\| flag: --cors of node1 \| none \| &#42; \(websites that may use the API from a browser\) \|$/,
      /^\| flag: --enable-pprof of node1 \| none \| true \(debugging endpoints for whoever reaches the client port\) \|$/,
      /^\| flag: --tls-min-version of node1 \| none \| TLS1\.2 \|$/,
    ],
  ],
  "a flag that this program does not know yet": [
    planWith({ changes: flags({ "open-everything": "true" }) ?? {} }),
    [/^\| flag: --open-everything of node1 \| none \| true \|$/],
  ],
  "hardening of the unit taken back": [
    planWith({
      changes: lines("PrivateUsers=yes", "PrivateUsers=no\nEnvironment=LD_PRELOAD=/srv/x.so") ?? {},
    }),
    [
      /^\| sandbox: Environment of node1 \| none \| LD&#95;PRELOAD=\/srv\/x\.so \|$/,
      /^\| sandbox: PrivateUsers of node1 \| yes \| no \|$/,
    ],
  ],
  "a refusal that is overridden, and one that no longer is": [
    planWith({ config: { "etcd:allow": '["foreign-archive"]' } }),
    [/^\| allow: foreign-archive \| none \| allowed \|$/, /^\| allow: foreign-etcd \| allowed \| none \|$/],
  ],
  "a name in a certificate": [
    planWith(
      {},
      {
        steps: [
          {
            op: "replace",
            urn: "urn:pulumi:dev::etcd::tls:index/certRequest:CertRequest::node1-server-csr",
            oldState: { inputs: { dnsNames: ["localhost", "node1"], ipAddresses: ["10.0.0.1"] } },
            newState: { inputs: { dnsNames: ["bank.example", "localhost"], ipAddresses: ["10.0.0.1"] } },
          },
        ],
      },
    ),
    [/^\| names: names in the server certificate of node1 \| node1 \| bank\.example \|$/],
  ],
  "a new host that etcd may write more of, and whose snapshots go elsewhere": [
    planWith({
      config: {
        "etcd:unit": '{"readWritePaths":["/srv/shared"]}',
        "etcd:backup": '{"directory":"/mnt/shared"}',
      },
      changes: { "node2-host": { op: "create", new: { create: UNKNOWN, update: UNKNOWN } } },
    }),
    [
      /^\| exposure: folder of the snapshots, which hold all data of node2 \| none \| \/mnt\/shared \|$/,
      /^\| sandbox: ReadWritePaths of node2 \| none \| \/srv\/shared \|$/,
    ],
  ],
  "another proxy on a machine that is yet to be made": [
    planWith({
      config: { "etcd:proxy": "http://203.0.113.1:3128" },
      changes: unknownInstall("http://proxy:3128"),
    }),
    [
      /^\| archive: proxy of the download of node1 \| http&#58;\/\/proxy:3128 \| http&#58;\/\/203\.0\.113\.1:3128 \|$/,
    ],
  ],
  "a secret proxy there": [
    planWith({ config: { "etcd:proxy": "[secret]" }, changes: unknownInstall("http://proxy:3128") }),
    [
      /^\| archive: proxy of the download of node1 \| not shown \| not shown \(whether it is another one is known when up gets there\) \|$/,
    ],
  ],
  "snapshots in another folder": [
    planWith({
      changes: {
        "node1-host": {
          op: "update",
          new: { create: call("prepare", "node1", { snapshots: "/mnt/shared" }), update: "" },
          reasons: ["create"],
        },
      },
    }),
    [/^\| exposure: folder of the snapshots, which hold all data of node1 \| none \| \/mnt\/shared \|$/],
  ],
};

testComments(hostile);

test("nothing that matters changes, and is said so: a restart, a renewal, a pinned patch", () => {
  const quiet: readonly Parts["changes"][] = [
    {},
    {
      "node1-member": restarts({
        "snapshot-count": "20000",
        "max-txn-ops": "256",
        "experimental-corrupt-check-time": "1h",
      }),
    },
    { "node1-server-cert": { op: "replace" }, "node1-certificates": { op: "update", new: { stdin: "x" } } },
    installs({ version: "3.6.13", "sha256-amd64": releases["3.6.13"]?.amd64 ?? "" }, {}),
    {
      "node1-server-cert": {
        op: "replace",
        old: { earlyRenewalHours: "720" },
        new: { earlyRenewalHours: "8760" },
      },
    },
    lines("Nice=-5", "Nice=0\n# a comment"),
  ];
  for (const changes of quiet) {
    const plan = planWith({ changes: changes ?? {} });
    assert.deepEqual(plan.security, []);
    assert.deepEqual(comment(plan), ["Security: nothing changes."]);
    assert.match(terminal(plan, NOW), /^Security: nothing changes\.$/m);
  }
});

test("no secret is shown, not even masked", () => {
  const plan = planWith({ changes: lines("Environment=A=1", "Environment=A=[secret]") ?? {} });
  assert.deepEqual(comment(plan), ["| sandbox: Environment of node1 | A=1 | A=&#91;secret&#93; |"]);
});

test("an approval is for what it showed: another row, or the same of one more host, was not approved", () => {
  const approved = planWith({ changes: { ...flags({ "enable-pprof": "true" }) } });
  const again = planWith({ changes: { ...flags({ "enable-pprof": "true" }) } });
  assert.deepEqual(deviations(approved, again), []);
  assert.equal(samePlan(approved, again), true);
  const more = planWith({ config: { "etcd:allow": '["foreign-etcd","downgrade"]' } });
  assert.deepEqual(deviations(planWith({}), more), ["security: allow: downgrade: none → allowed"]);
  assert.equal(onlyRenewals(more), false);
  assert.equal(samePlan(planWith({}), more), false);
  const on = (...names: readonly string[]) =>
    planWith({
      changes: Object.fromEntries(
        names.map((name) => [`${name}-member`, restarts({ "enable-pprof": "true" })]),
      ),
    });
  const wider = deviations(on("node1"), on("node1", "node2"));
  assert.ok(wider.includes("security: flag: --enable-pprof of node1, node2: none → true"), wider.join("\n"));
  assert.deepEqual(deviations(on("node1", "node2"), on("node2")), [], "what is done already may be missing");
});

test("the same proxy on a machine that is yet to be made is no other", () => {
  const changes = unknownInstall("http://proxy:3128");
  assert.deepEqual(planWith({ config: { "etcd:proxy": "http://proxy:3128" }, changes }).security, []);
});

test("settings that say no more than where a host writes may be a secret", () => {
  const config = { "etcd:unit": "[secret]", "etcd:backup": "[secret]" };
  assert.deepEqual(planWith({ config }).security, []);
});

test("the rows are in the order of their kinds, of which there are more than ten", () => {
  const plan = planWith({
    config: { "etcd:allow": '["foreign-etcd","downgrade"]' },
    changes: { "node1-member": restarts({ "enable-pprof": "true" }), "peer-ca-cert": { op: "replace" } },
  });
  assert.deepEqual(
    plan.security.map(({ kind }) => kind),
    ["trust", "flag", "allow"],
  );
});
