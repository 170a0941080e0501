import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cidr, holds, overlap, parseCidr, placeIn } from "../../config/cidr.ts";

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if ("problem" in parsed) throw new Error(`${text} ${parsed.problem}`);
  return parsed;
}

test("ranges of both families are read, in one spelling", () => {
  assert.deepEqual(cidr("10.20.0.0/16"), {
    text: "10.20.0.0/16",
    family: "ipv4",
    prefix: 16,
    first: 0x0a140000n,
    last: 0x0a14ffffn,
  });
  assert.equal(cidr("2001:DB8:0:0::/32").text, "2001:db8::/32");
  assert.equal(cidr("::/0").last, (1n << 128n) - 1n);
  assert.equal(cidr("2001:db8::1:2:3/128").text, "2001:db8::1:2:3/128");
  assert.equal(cidr("64:ff9b::192.0.2.0/120").text, "64:ff9b::c000:200/120");
  assert.equal(cidr("0.0.0.0/0").prefix, 0);
});

for (const [text, problem] of [
  ["10.20.0.0", "is not a CIDR; for one address write 10.20.0.0/32"],
  ["10.20.0.0/33", "is not a CIDR; write it like 10.20.0.0/16"],
  ["10.20.0/16", "is not a CIDR; write it like 10.20.0.0/16"],
  ["10.20.0.0/", "is not a CIDR; write it like 10.20.0.0/16"],
  ["10.20.0.0/16/24", "is not a CIDR; write it like 10.20.0.0/16"],
  ["fe80::%eth0/64", "is not a CIDR; write it like 10.20.0.0/16"],
  ["example.com", "is not a CIDR; write it like 10.20.0.0/16"],
  ["10.20.1.11/24", "has host bits set; write 10.20.1.0/24"],
  ["2001:db8::1/64", "has host bits set; write 2001:db8::/64"],
] as const) {
  test(`${text} is refused`, () => assert.deepEqual(parseCidr(text), { problem }));
}

test("ranges hold and overlap others of their family", () => {
  assert.ok(holds(cidr("10.20.0.0/16"), cidr("10.20.255.0/24")));
  assert.ok(holds(cidr("10.20.0.0/16"), cidr("10.20.0.0/16")));
  assert.ok(!holds(cidr("10.20.0.0/24"), cidr("10.20.0.0/16")));
  assert.ok(!holds(cidr("0.0.0.0/0"), cidr("2001:db8::/32")));
  assert.ok(overlap(cidr("10.20.0.0/24"), cidr("10.20.0.0/16")));
  assert.ok(!overlap(cidr("10.20.0.0/24"), cidr("10.20.1.0/24")));
});

test("an address has a place in the range that holds it", () => {
  assert.equal(placeIn(cidr("10.20.1.0/24"), "10.20.1.11"), 11);
  assert.equal(placeIn(cidr("10.20.1.0/24"), "10.20.2.0"), undefined);
  assert.equal(placeIn(cidr("10.20.1.0/24"), "node1.example.com"), undefined);
  assert.equal(placeIn(cidr("2001:db8::/64"), "2001:db8::1"), undefined);
});
