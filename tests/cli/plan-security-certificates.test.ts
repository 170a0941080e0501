// A hostile pull request that is after certificates: CAs, their keys, and what leaf certificates say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { make } from "../unit/given.ts";
import { type Hostile, planWith, testComments } from "./security-plans.ts";

const evilCa = make("Evil CA");

const hostile: Hostile = {
  "a CA with another key": [
    planWith({ changes: { "client-ca-key": { op: "create" } } }, { before: "new" }),
    [
      /^\| trust: ssh target of node1 \| none \| 10\.0\.0\.1:22 /,
      /^\| trust: ssh target of node2 \| none \| 10\.0\.0\.2:22 /,
      /^\| trust: ssh target of node3 \| none \| 10\.0\.0\.3:22 /,
      /^\| trust: ssh host key of node1, node2, node3 \| none \| ssh-ed25519 SHA256:\S+ \|$/,
      /^\| login: ssh user of node1, node2, node3 \| none \| root \|$/,
      /^\| trust: client-ca \| none \| created \|$/,
    ],
  ],
  "a CA's certificate anew": [
    planWith({ changes: { "peer-ca-cert": { op: "replace" } } }),
    [/^\| trust: peer-ca, its certificate \| the present one \| renewed with the same key \|$/],
  ],
  "a CA that somebody else made": [
    planWith({
      config: {
        "etcd:clientCa": "[1, 2]",
        "etcd:givenCas": JSON.stringify({ "client-2": evilCa.pem }),
        "etcd:caKeys": "[secret]",
      },
    }),
    [
      /^\| trust: client-ca-2 \| none \| given, public key sha256:[0-9a-f]{64}, certificates sha256:[0-9a-f]{64}, until \S+ \(CN=Evil CA\) \|$/,
    ],
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
  "another name beside a new key": [
    planWith(
      {},
      {
        steps: [
          {
            op: "create",
            urn: "urn:pulumi:dev::etcd::tls:index/certRequest:CertRequest::node1-server.2-csr",
            newState: { inputs: { dnsNames: ["bank.example"], ipAddresses: ["10.0.0.1"] } },
          },
          {
            op: "delete",
            urn: "urn:pulumi:dev::etcd::tls:index/certRequest:CertRequest::node1-server-csr",
            oldState: { inputs: { dnsNames: ["node1"], ipAddresses: ["10.0.0.1"] } },
          },
        ],
      },
    ),
    [/^\| names: names in the server certificate of node1 \| node1 \| bank\.example \|$/],
  ],
  "certificates of another life": [
    planWith(
      {
        changes: Object.fromEntries(
          ["node1", "node2"].map((name) => [
            `${name}-server-cert`,
            {
              op: "replace",
              old: { validityPeriodHours: "8760", earlyRenewalHours: "720" },
              new: { validityPeriodHours: "87600", earlyRenewalHours: "24" },
            },
          ]),
        ),
      },
      {
        steps: [
          {
            op: "update",
            urn: "urn:pulumi:dev::etcd::tls:index/selfSignedCert:SelfSignedCert::client-ca-cert",
            oldState: { inputs: { validityPeriodHours: 43_800 } },
            newState: { inputs: { validityPeriodHours: 438_000 } },
          },
        ],
      },
    ),
    [
      /^\| names: validity of leaf certificates, in days \| 365 \| 3650 \|$/,
      /^\| names: renewal before the end of leaf certificates, in days \| 30 \| 1 \|$/,
      /^\| names: validity of CAs, in days \| 1825 \| 18250 \|$/,
    ],
  ],
};

testComments(hostile);

const givenBy = (givenCas: string) =>
  planWith({ config: { "etcd:clientCa": "[1, 2]", "etcd:givenCas": givenCas, "etcd:caKeys": "[secret]" } });

test("given CAs that are a secret cannot be reviewed, so there is no plan", () => {
  for (const masked of ["[secret]", '{"client-2":"[secret]"}'])
    assert.throws(
      () => givenBy(masked),
      /The CAs in the preview cannot be read, .* Set givenCas without --secret/,
    );
});

test("the end of a given CA counts as any other", () => {
  const brief = make("Brief CA", { hours: 24 });
  assert.equal(givenBy(JSON.stringify({ "client-2": brief.pem })).earliestExpiry?.certificate, "client-ca-2");
});
