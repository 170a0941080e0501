// How the hosts of a stack are reached whose machines the program made: by what it made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { withMadeHosts } from "../../cli/shared/login.ts";
import { readAws } from "../unit/aws-configuration.ts";

const { config } = readAws();
if (config === undefined) throw new Error("the example is wrong");
const made = { node1: { address: "203.0.113.1", hostKey: "ssh-ed25519 AAAA" } };

test("addresses and host keys are those that the stack has made", () => {
  const [node1, node2] = withMadeHosts({ config, key: "k" }, made).config.nodes;
  assert.deepEqual([node1?.sshAddress, node1?.hostKey], ["203.0.113.1", "ssh-ed25519 AAAA"]);
  // not made yet: no key is trusted, and the address is the declared one
  assert.deepEqual([node2?.sshAddress, node2?.hostKey], [config.nodes[1]?.sshAddress, ""]);
});

test("the key and all else stay", () => {
  const login = withMadeHosts({ config, key: "k" }, undefined);
  assert.equal(login.key, "k");
  assert.deepEqual({ ...login.config, nodes: [] }, { ...config, nodes: [] });
});
