// What --replace, --target and --exclude may name, and what of it reaches pulumi.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERYTHING, inWords, isPartial, optionsFor, urnsNamed } from "../../cli/plan/selection.ts";

const urn = (type: string, name: string) => `urn:pulumi:dev::etcd::${type}::${name}`;
const COMMAND = "etcd:cluster:Cluster$etcd:cluster:Member$command:remote:Command";
const member = urn(COMMAND, "node2-member");
const key = urn("etcd:pki:Certificate$tls:index/privateKey:PrivateKey", "node2-server-key");
const urns = [
  urn("etcd:host:SshHost", "node2"),
  urn("etcd:host:SshHost$command:remote:Command", "node2-host"),
  member,
  key,
];

test("a name stands for the resource that has it, also for a node's step that is called like a component", () => {
  assert.deepEqual(urnsNamed("node2-member", urns), [member]);
  assert.deepEqual(urnsNamed("node2-server-key", urns), [key]);
  const like = [...urns, urn("etcd:host:SshHost", "node2-member")];
  assert.deepEqual(urnsNamed("node2-member", like), [member]);
});

test("a URN is left as it is, and a pattern of names becomes one of URNs", () => {
  for (const word of [member, urn(COMMAND, "not in the state"), "**::node2-*"])
    assert.deepEqual(urnsNamed(word, []), [word]);
  assert.deepEqual(urnsNamed("node2-*", []), ["**::node2-*"]);
});

test("a name that nothing has is told with the nearest one, a node's with its parts", () => {
  assert.throws(() => urnsNamed("node2-membr", urns), {
    message: "There is no resource named node2-membr in the stack; did you mean node2-member.",
  });
  assert.throws(() => urnsNamed("node2", urns), {
    message:
      "There is no resource named node2 in the stack; its parts are node2-host, node2-member, node2-server-key.",
  });
  assert.throws(() => urnsNamed("x", []), { message: "There is no resource named x in the stack." });
});

test("each one becomes an option of pulumi's, in words without the types of its parents", () => {
  const selection = { replace: [member, key], target: ["**::node2-*"], exclude: [] };
  assert.deepEqual(optionsFor(selection), ["--replace", member, "--replace", key, "--target", "**::node2-*"]);
  assert.equal(inWords(selection), "--replace node2-member --replace node2-server-key --target node2-*");
  assert.deepEqual(optionsFor(EVERYTHING), []);
});

test("what is only replaced leaves nothing out", () => {
  assert.equal(isPartial({ ...EVERYTHING, replace: [member] }), false);
  assert.equal(isPartial({ ...EVERYTHING, target: [member] }), true);
  assert.equal(isPartial({ ...EVERYTHING, exclude: [member] }), true);
});
