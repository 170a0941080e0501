import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems } from "./configuration.ts";

const V35 = "3.5.33";
const V36 = "3.6.14";
const V37 = "3.7.1";
const everyPeer =
  "this flag cannot be set here: a peer's certificate would be accepted from any address, and each is issued for its own host";

/** Flags that etcd takes, with what they would break: of our questions, of the members, or nothing that anybody sees. */
for (const [version, flag, value, sentence] of [
  [
    V36,
    "listen-client-http-urls",
    "http://0.0.0.0:8080",
    "this flag cannot be set here: the client port would no longer answer /version and /metrics, which every proof reads, and a URL with http opens all keys without a certificate",
  ],
  [
    V36,
    "client-cert-allowed-hostname",
    "app.example.com",
    "this flag cannot be set here: the program's own client certificates, those of the operators, carry no host name and would be locked out",
  ],
  [V36, "peer-skip-client-san-verification", true, everyPeer],
  [V35, "experimental-peer-skip-client-san-verification", true, everyPeer],
  [
    V36,
    "max-txn-ops",
    0,
    "0 is less than 16, the limit here: etcd-host's lock and its records are transactions",
  ],
  [
    V36,
    "max-request-bytes",
    0,
    "0 is less than 65536, the limit here: etcd-host writes its records with requests",
  ],
  [
    V36,
    "max-concurrent-streams",
    1,
    "1 is less than 10, the limit here: etcd-host's lock keeps streams open beside its questions",
  ],
  [V36, "max-learners", 0, "0 is less than 1, the limit here: every new member joins as a learner"],
  [V36, "max-wals", "99999999999", "99999999999 is more than 2147483647, the limit here"],
  [
    V36,
    "bcrypt-cost",
    3,
    "3 is less than 4, the limit here: bcrypt has no cost below 4, and above 20 a login takes minutes",
  ],
  [V36, "raft-read-timeout", "1s", "1s is less than 5s, the limit here: etcd raises it to 5s"],
  [V36, "compact-hash-check-time", "0", "0 is less than 1s, the limit here: every check asks all members"],
  [
    V35,
    "experimental-compact-hash-check-time",
    "0",
    "0 is less than 1s, the limit here: every check asks all members",
  ],
  [
    V36,
    "corrupt-check-time",
    "1s",
    "1s is less than 60s, the limit here: every check reads the whole database",
  ],
  [
    V36,
    "downgrade-check-time",
    "1h",
    "1h is more than 30s, the limit here: the end of a downgrade is waited for",
  ],
  [
    V36,
    "backend-batch-interval",
    "1us",
    "1us is less than 1ms, the limit here: etcd would do nothing but commit",
  ],
  [V36, "logger", "capnslog", '"capnslog" is not one of zap'],
  [V36, "log-format", "text", '"text" is not one of json, console'],
  [V36, "metrics", "extended", '"extended" is not one of basic, extensive'],
  [V36, "tls-max-version", "1.3", '"1.3" is not one of TLS1.2, TLS1.3'],
  [V36, "backend-bbolt-freelist-type", "hash", '"hash" is not one of array, map'],
  [
    V36,
    "cors",
    "ui.example.com",
    '"ui.example.com" is not "*" or a list of origins; write one like "https://ui.example.com:443"',
  ],
  [
    V36,
    "distributed-tracing-address",
    "http://x/y",
    '"http://x/y" is not a host and a port; write it like "localhost:4317"',
  ],
  [
    V36,
    "feature-gates",
    "LeaseCheckpont=true",
    'etcd 3.6 has no feature gate "LeaseCheckpont"; did you mean LeaseCheckpoint',
  ],
  [V36, "feature-gates", "LeaseCheckpoint", "write each gate like LeaseCheckpoint=true"],
  [
    V36,
    "feature-gates",
    "LeaseCheckpointPersist=true",
    "LeaseCheckpointPersist needs LeaseCheckpoint=true beside it",
  ],
  [
    V35,
    "experimental-enable-lease-checkpoint-persist",
    true,
    "needs experimental-enable-lease-checkpoint beside it",
  ],
  [
    V36,
    "client-crl-file",
    "revoked.crl",
    '"revoked.crl" is not the path of a file; write it like "/etc/etcd/revoked.crl"',
  ],
  [
    V36,
    "peer-crl-file",
    "/root/revoked.crl",
    "etcd cannot see /root/ from its sandbox; keep the file elsewhere",
  ],
  [V36, "auth-token", "JWT", '"JWT" begins with neither "simple" nor "jwt"'],
  [V36, "auth-token", "jwt,pub-key=/etc/etcd/jwt.pub", "jwt needs a sign-method, like sign-method=RS256"],
  [
    V36,
    "auth-token",
    "jwt,pub-key=/tmp/jwt.pub,sign-method=RS256",
    "etcd cannot see /tmp/ from its sandbox; keep the file elsewhere",
  ],
  [V36, "host-whitelist", "", 'must be text on one line, not ""'],
  [V36, "peer-cert-allowed-cn", "node1,node2", "the other members would refuse node3; add every node's name"],
  [
    V36,
    "peer-cert-allowed-hostname",
    "192.168.1.101,node2",
    "the other members would refuse node3; add every node's name",
  ],
  [
    V36,
    "log-outputs",
    "etcd.log",
    '"etcd.log" is neither the path of a file nor one of default, stdout, stderr, systemd/journal',
  ],
  [
    V36,
    "log-outputs",
    "stderr,/var/log/etcd/etcd.log",
    'etcd may not write to /var/log/etcd/etcd.log from its sandbox; add its folder to unit.readWritePaths: ["/var/log/etcd"]',
  ],
  [
    V36,
    "log-outputs",
    "/var/lib/etcd/member/wal/0.log",
    "/var/lib/etcd/member/wal/0.log is among the member's own files, which the log would damage; use another path, such as /var/lib/etcd/etcd.log",
  ],
  [
    V36,
    "log-outputs",
    "/var/lib/etcd/x/../member/snap/db",
    '"/var/lib/etcd/x/../member/snap/db" is neither the path of a file nor one of default, stdout, stderr, systemd/journal',
  ],
  [V36, "log-outputs", "default,stderr", "default cannot be combined with other outputs; use stderr for it"],
  [V36, "enable-log-rotation", true, "rotates exactly one file; name it in log-outputs"],
  [V36, "log-rotation-config-json", '{"maxsize":10}', "has no effect without enable-log-rotation: true"],
] as const) {
  test(`the flag ${flag}=${JSON.stringify(value)} is refused for ${version}, with the reason`, () => {
    assert.deepEqual(problems({ version, extraFlags: { [flag]: value } }), [
      `extraFlags.${flag}: ${sentence}.`,
    ]);
  });
}

const rotation = (json: string) => ({
  unit: { readWritePaths: ["/var/log/etcd"] },
  extraFlags: {
    "log-outputs": "/var/log/etcd/etcd.log",
    "enable-log-rotation": true,
    "log-rotation-config-json": json,
  },
});

test("a log file is accepted in a folder that the unit may write to, or in the data directory", () => {
  assert.deepEqual(problems(rotation('{"maxsize":100,"compress":true}')), []);
  assert.deepEqual(problems({ extraFlags: { "log-outputs": "/var/lib/etcd/etcd.log,stderr" } }), []);
});

for (const [json, sentence] of [
  ["100", '"100" is not a JSON object; write it like {"maxsize":100,"maxbackups":5}'],
  ['{"maxSize":', '"{\\"maxSize\\":" is not a JSON object; write it like {"maxsize":100,"maxbackups":5}'],
  [
    '{"filename":"/etc/passwd"}',
    'there is no "filename" in it; choose from maxsize, maxage, maxbackups, localtime, compress',
  ],
  ['{"maxage":"7"}', 'maxage must be a number, not "7"; write it like {"maxsize":100,"maxbackups":5}'],
] as const) {
  test(`a log rotation of ${json} is refused`, () => {
    assert.deepEqual(problems(rotation(json)), [`extraFlags.log-rotation-config-json: ${sentence}.`]);
  });
}

test("what two settings make impossible is refused at the flag", () => {
  assert.deepEqual(problems({ tlsMinVersion: "TLS1.3", extraFlags: { "tls-max-version": "TLS1.2" } }), [
    "extraFlags.tls-max-version: TLS1.2 is below tlsMinVersion, TLS1.3; leave it out.",
  ]);
  assert.deepEqual(problems({ unit: { limitMEMLOCK: "1G" }, extraFlags: { "memory-mlock": true } }), [
    "extraFlags.memory-mlock: unit.limitMEMLOCK, 1G, is less than quotaBackendBytes, 2147483648; leave it out.",
  ]);
  assert.deepEqual(
    problems({
      extraFlags: { "peer-cert-allowed-cn": "node1,node2,node3", "peer-cert-allowed-hostname": "localhost" },
    }),
    ["extraFlags.peer-cert-allowed-cn: etcd takes either this or peer-cert-allowed-hostname; leave one out."],
  );
});

test("a lost node's certificate need not be allowed", () => {
  const nodes = [1, 2, 3, 4].map((n) => ({ name: `node${n}`, address: `192.168.1.10${n}`, lost: n === 4 }));
  assert.deepEqual(problems({ nodes, extraFlags: { "peer-cert-allowed-cn": "node1,node2,node3" } }), []);
});

test("feature gates of 3.7 are refused for 3.6 only", () => {
  const extraFlags = {
    "feature-gates": "PriorityRequest=true,LeaseCheckpoint=true,LeaseCheckpointPersist=true",
  };
  assert.deepEqual(problems({ version: V37, extraFlags }), []);
  assert.match(
    problems({ version: V36, extraFlags }).join(),
    /etcd 3\.6 has no feature gate "PriorityRequest"/,
  );
});

test("0 is no duration where it turns something off", () => {
  const extraFlags = {
    "corrupt-check-time": "0",
    "grpc-keepalive-interval": "0",
    "backend-batch-interval": "0s",
  };
  assert.deepEqual(config({ extraFlags }).settings.extraFlags, extraFlags);
});
