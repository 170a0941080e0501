// What hosts and other programs print acts neither on a terminal nor on a workflow.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printable, printableLine } from "../../lib/printable.ts";
import { ACTING, assertHarmless, hostileLines, workflowCommand } from "../cli/workflow-commands.ts";

const parts = [
  "::",
  "##[",
  "add-mask",
  "warning file=a",
  "::a::",
  "]",
  " ",
  "\t",
  "\n",
  "\r",
  "\u001b[",
  "x",
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...parts, ...hostileLines), fc.string({ unit: "binary", maxLength: 3 })))
  .map((all) => all.join(""));

test("the reader of the tests finds what GitHub's runner finds", () => {
  assert.equal(workflowCommand("  ::add-mask::x"), "add-mask");
  assert.equal(workflowCommand("::error file=a,line=1::b"), "error");
  assert.equal(workflowCommand("see ##[group]x"), "group");
  for (const text of ["a ::add-mask::x", "::1 ::", "urn:pulumi:a::b::c", "::add-mask", "## [x]"])
    assert.equal(workflowCommand(text), undefined, text);
});

test("nothing that is printed acts, and so does nothing that is left of it without its first word", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      assertHarmless(printable(text));
      assertHarmless(printable(`differs: ${text}`).replace(/^differs: /, ""));
      assertHarmless(printableLine(text));
      assert.ok(!printableLine(text).includes("\n"));
    }),
    { numRuns: 1000 },
  );
  for (const line of hostileLines) {
    assert.throws(() => assertHarmless(line), line);
    assertHarmless(printable(line));
  }
});

test("what is plain stays as it is, and once is enough", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      if (!ACTING.test(text) && !/::|##\[/.test(text)) assert.equal(printable(text), text);
    }),
  );
  fc.assert(fc.property(hostile, (text) => assert.equal(printable(printable(text)), printable(text))));
  const plain = "urn:pulumi:prod::etcd::a:b:C::n\n\tlisten on [::1]:2379, ::ffff:192.0.2.1\nü ✔ 漢字 #1 ##\n";
  assert.equal(printable(plain), plain);
  assert.equal(printable("a\r\nb"), "a\nb");
});
