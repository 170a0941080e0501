import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hostPort, parseAddress, unusable } from "../../config/address.ts";

function canonical(text: string): string | undefined {
  const parsed = parseAddress(text);
  return "address" in parsed ? parsed.address : undefined;
}

test("every IPv4 address is itself", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.deepEqual(parseAddress(address), { address, kind: "ipv4" });
    }),
  );
});

test("an IPv6 address has one spelling, whatever the case and the zeros it is written with", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  const groups = fc.tuple(
    fc.integer({ min: 0x2000, max: 0x3fff }),
    group,
    group,
    group,
    group,
    group,
    group,
    group,
  );
  fc.assert(
    fc.property(groups, (values) => {
      const long = values.map((value) => value.toString(16).padStart(4, "0").toUpperCase()).join(":");
      const short = values.map((value) => value.toString(16)).join(":");
      assert.equal(canonical(long), canonical(short));
      assert.equal(canonical(canonical(short) ?? ""), canonical(short));
    }),
  );
  assert.equal(canonical("2001:DB8:0:0:0:0:0:0001"), "2001:db8::1");
});

test("a URL made with hostPort has the host and the port back", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(address, fc.integer({ min: 1, max: 65535 }), (text, port) => {
      const host = canonical(text);
      fc.pre(host !== undefined);
      const url = new URL(`ssh://${hostPort(host, port)}`);
      assert.equal(url.port, String(port));
      assert.equal(canonical(url.hostname.replace(/^\[(.*)\]$/, "$1")), host);
    }),
  );
});

test("DNS names are read in lower case", () => {
  assert.deepEqual(parseAddress("Node-1.Example.COM"), { address: "node-1.example.com", kind: "dns" });
});

for (const [text, problem] of [
  ["192.168.1.1O2", "looks like a mistyped IPv4 address; write it like 192.168.1.101"],
  ["https://10.0.0.1", "is a URL; give only its host"],
  ["10.0.0.1:2380", "has a port; give only the address"],
  ["[2001:db8::1]:22", "has a port; give only the address"],
  ["[2001:db8::1]", "has brackets; write 2001:db8::1"],
  ["10.0.0.0/24", "has a slash; give one address, without a prefix length or path"],
  ["fe80::1%eth0", "has an IPv6 zone id, which etcd's URLs cannot carry; give an address without a zone"],
  ["::ffff:10.0.0.1", "is an IPv4 address in IPv6 form; write it as IPv4"],
  ["node1.example.com.", "ends with a dot; leave the dot out"],
  ["10.0.0.1 ", "contains a space; give one address without spaces"],
  ["192.168.1", "is not an IPv4, IPv6 or DNS address; write it like 192.168.1.101"],
  ["192.168.1.256", "looks like a mistyped IPv4 address; write it like 192.168.1.101"],
  ["192.168.001.101", "looks like a mistyped IPv4 address; write it like 192.168.1.101"],
  ["node_1", "is not an IPv4, IPv6 or DNS address; write it like 192.168.1.101"],
  [`${"a".repeat(64)}.example.com`, "is not an IPv4, IPv6 or DNS address; write it like 192.168.1.101"],
] as const) {
  test(`${text} is no address`, () => {
    assert.deepEqual(parseAddress(text), { problem });
  });
}

test("a DNS name has at most 253 characters", () => {
  const name = (length: number) => `${"a.".repeat(200)}`.slice(0, length - 1).concat("a");
  assert.deepEqual(parseAddress(name(253)), { address: name(253), kind: "dns" });
  assert.equal(canonical(name(255)), undefined);
});

test("addresses that no other host can reach are told apart", () => {
  for (const address of ["127.0.0.1", "127.8.8.8", "::1", "localhost", "db.localhost"]) {
    assert.equal(unusable(address), "is the host itself (loopback)", address);
  }
  for (const address of ["0.0.0.0", "::"])
    assert.equal(unusable(address), "is the unspecified address", address);
  for (const address of ["224.0.0.1", "ff02::1"])
    assert.equal(unusable(address), "is a multicast address", address);
  assert.equal(unusable("255.255.255.255"), "is the broadcast address");
  assert.match(unusable("fe80::1") ?? "", /link-local/);
  for (const address of ["192.168.1.101", "2001:db8::1", "fd00::1", "node1.example.com"]) {
    assert.equal(unusable(address), undefined, address);
  }
});
