import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { didYouMean, editDistance } from "../../config/did-you-mean.ts";

test("the edit distance is a distance", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      assert.equal(editDistance(a, b) === 0, a === b);
      assert.equal(editDistance(a, b), editDistance(b, a));
      assert.ok(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c));
      assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
    }),
  );
  assert.equal(editDistance("kitten", "sitting"), 3);
});

test("only a close word is proposed, and of several the closest", () => {
  assert.equal(didYouMean("nods", ["nodes", "node"]), "; did you mean nodes");
  assert.equal(didYouMean("checkID", ["checkId"]), "; did you mean checkId");
  assert.equal(didYouMean("colour", ["clusterName", "proxy"]), "");
  assert.equal(didYouMean("x", []), "");
});
