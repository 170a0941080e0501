// A plan that is violated: the engine prints the values on both sides, and they are kept from everybody's log.
import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnostics, withoutValues } from "../../lib/update-output.ts";

const urn =
  "urn:pulumi:dev::etcd::etcd:cluster:Cluster$etcd:cluster:Member$command:remote:Command::node1-member";
const violation = (changes: string, resource = `resource ${urn}`) =>
  `    error: ${resource} violates plan: properties changed: ${changes}`;

function isSafe(text: string): void {
  assert.doesNotMatch(text, /s3cret/);
}

test("a violation is told by the resource and its first property alone", () => {
  const line = violation("~~create[{s3cret a}!={s3cret b}], ~~update[{s3cret c}!={s3cret d}]");
  assert.equal(
    withoutValues(line),
    `    error: resource ${urn} violates plan: properties changed: ~~create (values are not shown)`,
  );
});

const values: Readonly<Record<string, string>> = {
  "looks like another property": "~~stdin[{a], ~~s3cret[{b}!={c}]}!={d}]",
  "has many lines":
    "~~stdin[{-----BEGIN PRIVATE KEY-----\n    s3cret\n\n    -----END s3cret-----}!={s3cret}]",
  "looks like a line of the engine": "~~stdin[{\n    error: s3cret\n\nResources:\n    s3cret}!={}]",
  "was planned as another operation":
    "~=stdin[{s3cret}!={s3cret}], +-triggers[{[s3cret]}], -+delete[{s3cret}]",
  "is of a form that is not known": "*s3cret*",
};
for (const [title, changes] of Object.entries(values))
  test(`nothing of a value is left that ${title}`, () => {
    const text = withoutValues(violation(changes));
    isSafe(text);
    assert.match(text, /violates plan/, "up tells by it that nothing was changed");
  });

test("what comes before stays, and each resource is told once", () => {
  const other = violation("+-delete[{s3cret}]", "resource urn:pulumi:dev::etcd::x:y:Z::other");
  const twice = `${violation("~~stdin[{s3cret\n    s3cret}!={}]")}\n${violation("~~stdin[{s3cret}!={}]")}\n${other}`;
  const text = withoutValues(`  command:remote:Command (node2-host):\n    error: it failed\n${twice}\n`);
  isSafe(text);
  assert.deepEqual(text.split("\n"), [
    "  command:remote:Command (node2-host):",
    "    error: it failed",
    `    error: resource ${urn} violates plan: properties changed: ~~stdin (values are not shown)`,
    "    error: resource urn:pulumi:dev::etcd::x:y:Z::other violates plan: properties changed: +-delete (values are not shown)",
  ]);
});

test("outputs that violate a plan are named without a resource", () => {
  const text = withoutValues(violation("~~stdout[{s3cret}!={s3cret}]", "resource"));
  assert.equal(
    text,
    "    error: resource violates plan: properties changed: ~~stdout (values are not shown)",
  );
});

test("the engine's whole output is as safe as its diagnostics", () => {
  const output = `Previewing update (dev):\nDiagnostics:\n  x (node1):\n${violation("~~stdin[{s3cret\n    s3cret}!={}]")}\n\nResources:\n    1 errored\n`;
  for (const text of [withoutValues(output), withoutValues(diagnostics(output))]) {
    isSafe(text);
    assert.match(text, /node1-member violates plan/);
  }
});

test("other failures are told as they are", () => {
  const other = `    error: resource ${urn} violates plan: dependencies changed: added x\n    error: update failed`;
  assert.equal(withoutValues(other), other);
  assert.equal(withoutValues(""), "");
});
