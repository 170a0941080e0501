/** Zones at other places than their region's own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isRegional, zoneOf } from "../../config/aws/zones.ts";
import { awsProblems, publicSubnets, readAws, rightAws, subnets } from "./aws-configuration.ts";

const [first, second, third] = subnets;
const LOCAL = "eu-central-1-ham-1a";
const WAVELENGTH = "eu-central-1-wl1-ber-wlz-1";
const away = (zone: string) => ({ subnets: [first, second, { ...third, zone }] });

test("a zone's name says its region, and where it is", () => {
  const region = (name: string) => zoneOf(name)?.region;
  assert.deepEqual(
    [
      "eu-central-1a",
      LOCAL,
      WAVELENGTH,
      "us-west-2-lax-1b",
      "us-gov-west-1c",
      "cn-north-1b",
      "eusc-de-east-1a",
    ].map(region),
    [
      "eu-central-1",
      "eu-central-1",
      "eu-central-1",
      "us-west-2",
      "us-gov-west-1",
      "cn-north-1",
      "eusc-de-east-1",
    ],
  );
  assert.deepEqual([LOCAL, WAVELENGTH, "us-gov-west-1c"].map(isRegional), [false, false, true]);
  for (const name of ["eu-central-1", "a", "eu-central-1-a", "euc1-az1"])
    assert.equal(zoneOf(name), undefined);
});

test("a member may be in a Local or a Wavelength Zone of the region", () => {
  for (const zone of [LOCAL, WAVELENGTH])
    assert.equal(readAws(away(zone)).config?.aws?.subnets[2]?.zone, zone, String(awsProblems(away(zone))));
  assert.deepEqual(awsProblems(away("us-west-2-lax-1a")), [
    "aws.subnets[2].zone: us-west-2-lax-1a is not in the region of eu-central-1a; a VPC is in one region.",
  ]);
});

test("with a gateway for each zone, that of another place goes through the region's", () => {
  const own = [...publicSubnets, { zone: "eu-central-1b", cidr: "10.20.102.0/24" }];
  const vpc = { ...rightAws.vpc, nat: "per-zone", publicSubnets: own };
  assert.deepEqual(awsProblems({ ...away(LOCAL), vpc }), []);
});

const lists = `${LOCAL} is not in the region itself`;
const clients = { clientName: "etcd.example.internal", hostedZoneId: "Z0123456789ABCDEFGHIJ" };

for (const [what, values, sentence] of [
  [
    "a NAT gateway there",
    { vpc: { ...rightAws.vpc, publicSubnets: [{ zone: LOCAL, cidr: "10.20.101.0/24" }] } },
    `aws.vpc.publicSubnets: ${LOCAL} is a Local Zone, where no NAT gateway is created; give one in a zone of eu-central-1 itself.`,
  ],
  [
    "a load balancer",
    { ...away(LOCAL), ...clients, loadBalancer: true },
    `aws.loadBalancer: ${lists}, where no network load balancer is created; leave it out, and let clients dial the endpoints.`,
  ],
] as const) {
  test(`${what} is refused in one sentence`, () => assert.deepEqual(awsProblems(values), [sentence]));
}

test("public addresses, and ssm's endpoints alone, are refused there", () => {
  const vpc = { cidr: "10.20.0.0/16", nat: "none", endpoints: ["ssm"] };
  const everywhere = subnets.map((subnet, index) => ({ ...subnet, zone: `eu-central-1-ham-${index + 1}a` }));
  const problems = awsProblems({ subnets: everywhere, vpc, publicAddresses: true }).join("\n");
  assert.match(
    problems,
    /^aws\.publicAddresses: .* are not in the region itself, where addresses are of another pool/m,
  );
  assert.match(problems, /^aws\.vpc\.endpoints: .* are not in the region itself, where ssm has no endpoint/m);
});
