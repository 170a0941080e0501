import assert from "node:assert/strict";
import { test } from "node:test";
import { config, problems } from "./configuration.ts";

test("names of the whole cluster are sorted, in one spelling, each once", () => {
  assert.deepEqual(config().names, []);
  const names = ["etcd.example.com", "10.9.0.10", "ETCD.example.com", "2001:DB8::5"];
  assert.deepEqual(config({ names }).names, ["10.9.0.10", "2001:db8::5", "etcd.example.com"]);
});

for (const [name, why] of [
  ["*.example.com", "is a wildcard, which would stand for hosts that are no members; list the names"],
  ["localhost", "is the host itself (loopback); leave it out"],
  ["127.0.0.5", "is the host itself (loopback); leave it out"],
  ["0.0.0.0", "is the unspecified address; leave it out"],
  ["https://etcd.example.com", "is a URL; give only its host"],
  ["etcd.example.com:2379", "has a port; give only the address"],
  ["a\nb", "contains a space; give one address without spaces"],
] as const)
  test(`${JSON.stringify(name)} ${why}`, () => {
    assert.deepEqual(problems({ names: [name] }), [`names: ${JSON.stringify(name)} ${why}.`]);
  });

test("a member's own address is no name of the others", () => {
  const nodes = [{ name: "node1", address: "192.168.1.101" }];
  assert.deepEqual(problems({ nodes, names: ["192.168.1.101"] }), [
    'names: "192.168.1.101" is the address of node1, which no other member may answer for; leave it out.',
  ]);
});
