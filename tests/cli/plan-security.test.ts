// A hostile pull request of each kind, and the comment that a reviewer reads.
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPlan } from "../../cli/plan/build.ts";
import { deviations, onlyRenewals, samePlan } from "../../cli/plan/compare.ts";
import { markdown } from "../../cli/plan/markdown.ts";
import type { Plan } from "../../cli/plan/model.ts";
import { parsePreview } from "../../cli/plan/preview.ts";
import { loginRows } from "../../cli/plan/security-login.ts";
import { terminal } from "../../cli/plan/terminal.ts";
import { releases } from "../../etcd/releases.ts";
import { list, record, text } from "../../lib/json.ts";
import { config, hostKey } from "../unit/configuration.ts";
import { deployed } from "../unit/deployment.ts";
import { type Change, call, nodesOf, type Parts, planOf, previewText, restarts, unit } from "./preview.ts";

const NOW = Date.parse("2027-01-16T12:00:00Z");
const pinned = releases["3.6.14"]?.amd64 ?? "";
const evil = "e".repeat(64);
const OURS = "SHA256:";

interface Extra {
  /** More resources than the usual ones. */
  readonly steps?: readonly object[];
  /** Outputs that the last run left of components, by the end of their URN; nothing of an older program. */
  readonly outputs?: Readonly<Record<string, object>>;
}

/** What the components of this program record. */
const recorded = {
  ...Object.fromEntries(
    nodesOf(3).map(({ name, address }) => [
      `etcd:host:SshHost::${name}`,
      { address, port: 22, hostKey: hostKey(), user: "root", bastion: null },
    ]),
  ),
  "etcd:cluster:Cluster::etcd": { allow: ["foreign-etcd"] },
};

function planWith(parts: Parts, { steps = [], outputs = recorded }: Extra = {}): Plan {
  const allow = { "etcd:allow": '["foreign-etcd"]' };
  const preview = record(JSON.parse(previewText({ ...parts, config: { ...allow, ...parts.config } })));
  const cluster = { op: "same", urn: "urn:pulumi:dev::etcd::etcd:cluster:Cluster::etcd", oldState: {} };
  const all = [...list(preview.steps), cluster, ...steps].map(record).map((step) => {
    const found = Object.entries(outputs).find(([end]) => text(step.urn).endsWith(end));
    return found === undefined
      ? step
      : { ...step, oldState: { ...record(step.oldState), outputs: found[1] } };
  });
  return buildPlan(parsePreview(JSON.stringify({ ...preview, steps: all })), deployed(3));
}

/** What the comment says below its table of hosts. */
function comment(plan: Plan): readonly string[] {
  const lines = markdown(plan, NOW).split("\n");
  const start = lines.findIndex((line) => line.startsWith("| ⚠ security") || line.startsWith("Security:"));
  const rows = lines.slice(start + 2, lines.indexOf("", start));
  return lines[start]?.startsWith("|") ? rows : [lines[start] ?? ""];
}

const nodes = (changes: object) =>
  JSON.stringify(
    nodesOf(3).map((node) => ({ hostKey: hostKey(), ...node, ...(node.name === "node2" ? changes : {}) })),
  );
const connects = (name: string): Parts["changes"] =>
  Object.fromEntries(
    ["host", "binaries", "certificates", "member"].map((part): [string, Change] => [
      `${name}-${part}`,
      { op: "update", reasons: ["connection"] },
    ]),
  );
const installs = (old: Record<string, string>, now: Record<string, string>): Parts["changes"] => {
  const texts = (options: Record<string, string>) => {
    const line = call("install", "node1", {
      version: "3.6.14",
      "sha256-amd64": pinned,
      mirror: "https://ours",
      ...options,
    });
    return { create: line, update: line };
  };
  return { "node1-binaries": { op: "update", reasons: ["create"], old: texts(old), new: texts(now) } };
};
const step = (type: string, name: string, op: string, old: object | undefined, now: object | undefined) => ({
  op,
  urn: `urn:pulumi:dev::etcd::etcd:aws:Access$${type}::${name}`,
  diffReasons: ["cidrIpv4"],
  ...(old && { oldState: { inputs: old } }),
  ...(now && { newState: { inputs: now } }),
});
const ingress = (name: string, old: string | undefined, now: string | undefined, port = 2379) => {
  const rule = (cidr: string) => ({
    ipProtocol: "tcp",
    fromPort: port,
    toPort: port,
    ...(cidr.includes(":") ? { cidrIpv6: cidr } : { cidrIpv4: cidr }),
  });
  const op = old === undefined ? "create" : now === undefined ? "delete" : "replace";
  const type = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
  return step(type, name, op, old ? rule(old) : undefined, now ? rule(now) : undefined);
};
const flags = (changes: Record<string, string>): Parts["changes"] => ({ "node1-member": restarts(changes) });
const lines = (old: string, now: string): Parts["changes"] => ({
  "node1-member": {
    op: "update",
    reasons: ["stdin"],
    old: { stdin: `${unit()}${old}\n` },
    new: { stdin: `${unit()}${now}\n` },
  },
});

/** Each with what its comment must say, all of it. */
const hostile: Readonly<Record<string, readonly [Plan, readonly RegExp[]]>> = {
  "ssh goes to another machine, with that machine's host key": [
    planWith({
      config: { "etcd:nodes": nodes({ sshAddress: "203.0.113.9", hostKey: hostKey("ssh-ed25519", 9) }) },
      changes: connects("node2") ?? {},
    }),
    [
      /^\| trust: ssh host key of node2 \| ssh-ed25519 SHA256:(\S+) \| ssh-ed25519 SHA256:(?!\1)\S+ \|$/,
      /^\| trust: ssh target of node2 \| 10\.0\.0\.2:22 \| 203\.0\.113\.9:22 \(the host's private keys are sent there\) \|$/,
    ],
  ],
  "the same on a stack whose last run recorded no target": [
    planWith(
      {
        config: { "etcd:nodes": nodes({ sshAddress: "203.0.113.9" }) },
        changes: connects("node2") ?? {},
      },
      { outputs: {} },
    ),
    [
      /^\| trust: ssh connection of node2 \| not recorded \| root at 203\.0\.113\.9:22, ssh-ed25519 SHA256:\S+ \(the host's private keys are sent there\) \|$/,
      /^\| allow: foreign-etcd \| none \| allowed \|$/,
    ],
  ],
  "another port and login": [
    planWith({
      config: {
        "etcd:ssh": '{"user":"mallory","agent":true}',
        "etcd:nodes": nodes({ sshPort: 2222 }),
      },
      changes: { ...connects("node1"), ...connects("node2"), ...connects("node3") },
    }),
    [
      /^\| trust: ssh target of node2 \| 10\.0\.0\.2:22 \| 10\.0\.0\.2:2222 /,
      /^\| login: ssh user of node1, node2, node3 \| root \| mallory \|$/,
    ],
  ],
  "a bastion in between": [
    planWith({
      config: {
        "etcd:ssh": JSON.stringify({
          user: "root",
          agent: true,
          bastion: { address: "203.0.113.1", hostKey: hostKey("ssh-ed25519", 7) },
        }),
      },
      changes: connects("node1") ?? {},
    }),
    [
      /^\| trust: ssh bastion of node1, node2, node3 \| none \| root at 203\.0\.113\.1:22, ssh-ed25519 SHA256:\S+ \|$/,
    ],
  ],
  "another key of the login": [
    planWith({ changes: connects("node1") ?? {} }),
    [/^\| login: key of the ssh login of node1 \| not shown \| another one \|$/],
  ],
  "a CA with another key": [
    planOf({ changes: { "client-ca-key": { op: "create" } } }, "new"),
    [/^\| trust: client-ca \| none \| created \|$/],
  ],
  "a CA's certificate anew": [
    planWith({ changes: { "peer-ca-cert": { op: "replace" } } }),
    [/^\| trust: peer-ca, its certificate \| the present one \| renewed with the same key \|$/],
  ],
  "protection taken from a CA's key": [
    planWith(
      {},
      {
        steps: [
          {
            op: "same",
            urn: "urn:pulumi:dev::etcd::tls:index/privateKey:PrivateKey::client-ca-key",
            oldState: { protect: true },
            newState: { protect: false },
          },
        ],
      },
    ),
    [/^\| trust: client-ca-key \| protected \| not protected \|$/],
  ],
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
  "ports opened to everybody, one half of the internet at a time": [
    planWith(
      {},
      {
        steps: [
          ingress("members-client-0.0.0.0-1", undefined, "0.0.0.0/1"),
          ingress("members-ssh-all", "10.0.0.0/8", "0.0.0.0/0", 22),
          ingress("members-metrics-6", undefined, "::/0", 2381),
          ingress("members-client-office", undefined, "203.0.113.0/24"),
          ingress("members-client-gone", "198.51.100.0/24", undefined),
        ],
      },
    ),
    [
      /^\| exposure: tcp 22 \(ssh\), from \| 10\.0\.0\.0\/8 \| 0\.0\.0\.0\/0 \(EVERYBODY on the internet\) \|$/,
      /^\| exposure: tcp 2379 \(clients\), from \| 198\.51\.100\.0\/24 \| none \|$/,
      /^\| exposure: tcp 2379 \(clients\), from \| none \| 0\.0\.0\.0\/1 \(EVERYBODY on the internet\) \|$/,
      /^\| exposure: tcp 2379 \(clients\), from \| none \| 203\.0\.113\.0\/24 \|$/,
      /^\| exposure: tcp 2381, from \| none \| ::\/0 \(EVERYBODY on the internet\) \|$/,
    ],
  ],
  "another image, and what an instance may do": [
    planWith(
      {},
      {
        steps: [
          step(
            "aws:ec2/instance:Instance",
            "node1-instance",
            "update",
            { ami: "ami-1" },
            { ami: "ami-2", iamInstanceProfile: "admin" },
          ),
          step("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "members-admin", "create", undefined, {}),
          step("aws:ec2/eip:Eip", "node1-address", "create", undefined, {}),
        ],
      },
    ),
    [
      /^\| image: image \(aws\.ami\) of node1 \| ami-1 \| ami-2 \|$/,
      /^\| exposure: instance profile of node1 \| none \| admin \|$/,
      /^\| exposure: members-admin \(RolePolicyAttachment\) \| none \| made \|$/,
      /^\| exposure: public address node1-address \| none \| made \|$/,
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

for (const [what, [plan, says]] of Object.entries(hostile))
  test(`the comment shows: ${what}`, () => {
    const rows = comment(plan);
    assert.equal(rows.length, says.length, rows.join("\n"));
    for (const one of says)
      assert.ok(
        rows.some((row) => one.test(row)),
        `${one} in\n${rows.join("\n")}`,
      );
    assert.match(terminal(plan, NOW), /^security +old +new$/m);
    assert.equal(plan.security.length, says.length);
  });

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
  assert.ok(!JSON.stringify(hostile).includes(OURS + hostKey().split(" ")[1]));
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

test("on EC2: login keys, the user and the bastion against what the last run recorded; the host key is the program's", () => {
  const [key, other] = [hostKey("ssh-ed25519", 3), hostKey("ssh-ed25519", 4)];
  const rows = (outputs: object, keys: readonly string[], steps: readonly object[] = []) => {
    const host = {
      op: "same",
      urn: "urn:pulumi:dev::etcd::etcd:host:Ec2Host::node1",
      oldState: { outputs },
    };
    const { resources } = parsePreview(JSON.stringify({ steps: [host, ...steps] }));
    const [node = assert.fail("there is no node")] = config().nodes;
    const aws = { authorizedKeys: keys };
    return loginRows(resources, {
      nodes: [node],
      target: "aws",
      aws,
      ssh: { user: "admin", agent: true },
    }).map(({ what, old, new: now }) => `${what}: ${old} → ${now}`);
  };
  const recordedKeys = { authorizedKeys: [key], user: "admin", bastion: null };
  assert.deepEqual(rows(recordedKeys, [key]), []);
  assert.match(
    rows(recordedKeys, [key, `${other} mallory@evil`]).join(),
    /^login keys \(aws\.authorizedKeys\): ssh-ed25519 SHA256:(\S+) → ssh-ed25519 SHA256:\1, ssh-ed25519 SHA256:\S+ mallory@evil$/,
  );
  assert.deepEqual(rows({ ...recordedKeys, user: "root" }, [key]), ["ssh user: root → admin"]);
  const instance = step("aws:ec2/instance:Instance", "node1-instance", "update", {}, {});
  const changed = { ...instance, diffReasons: ["userData"] };
  assert.match(
    rows({}, [other], [changed]).join(),
    /^login keys \S+: not recorded → ssh-ed25519 SHA256:\S+$/,
  );
  const hosts = step("tls:index/privateKey:PrivateKey", "node1-host-key", "replace", {}, {});
  assert.deepEqual(rows(recordedKeys, [key], [hosts]), [
    "ssh host key: the one that is pinned → made by the program",
  ]);
});
