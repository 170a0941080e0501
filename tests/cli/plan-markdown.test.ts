// Whatever a pull request writes into its stack file, the comment has the structure of a plan, and says what was written.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { marked, type Token, type Tokens } from "marked";
import { inline, literal, markdown } from "../../cli/plan/markdown.ts";
import type { HostRow, Plan, SecurityRow } from "../../cli/plan/model.ts";
import { planOf, restarts } from "./preview.ts";

/** What ends a span, a cell or a line, begins a block, or calls somebody. */
const EVIL = [
  "`",
  "``",
  "```",
  "|",
  "\\",
  "\\|",
  "\n",
  "\n\n",
  "\r",
  "\u2028",
  "\u202e",
  "<img src=x onerror=alert(1)>",
  "</code>",
  "</details>",
  "<!--",
  "-->",
  "@everyone",
  "#12",
  "# ",
  "- ",
  "1. ",
  "> ",
  "---",
  "~~~",
  "    ",
  "[x](https://evil.example)",
  "![x](https://evil.example/y.png)",
  "https://evil.example",
  "www.evil.example",
  "0www.evil.example",
  "a@evil.example",
  "**b**",
  "__b__",
  "~~b~~",
  "*",
  "_",
  "&amp;",
  "&#96;",
  "$x$",
  "::add-mask::",
  "[^1]",
  "[ ]",
  " ",
  "x",
  "é",
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...EVIL), fc.string({ maxLength: 4 })), { maxLength: 8 })
  .map((parts) => parts.join(""));

/** Every token of the text, those inside of others too. */
function tokensIn(tokens: readonly Token[]): readonly Token[] {
  const found: Token[] = [];
  marked.walkTokens([...tokens], (token) => {
    found.push(token);
  });
  return found;
}

const NOW = Date.parse("2027-01-16T12:00:00Z");
const plain: Plan = planOf({ changes: { "node1-member": restarts() } });
const [host = assert.fail("the plan has no host")] = plain.hosts;

function planSaying(texts: readonly string[]): Plan {
  const [a = "", b = "", c = "", d = "", e = "", f = ""] = texts;
  const row: HostRow = { ...host, name: a, address: b, why: [c, d], unit: [`-${e}`, `+${f}`] };
  const security: SecurityRow = { kind: "flag", what: a, hosts: [b], old: c, new: d, note: e };
  return {
    ...plain,
    project: f,
    headline: a,
    hosts: [row],
    cluster: [{ step: "ca", text: b }],
    security: [security],
    others: [`${c}: create`],
    warnings: [d],
  };
}

test("no value adds a block, a cell, a link, a picture, HTML or emphasis", () => {
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 6, maxLength: 6 }), (texts) => {
      const blocks = marked.lexer(markdown(planSaying(texts), NOW)).filter(({ type }) => type !== "space");
      assert.deepEqual(
        blocks.map(({ type }) => type),
        ["heading", "table", "table", "paragraph", "html", "code", "html", "paragraph"],
      );
      const [hosts, security] = blocks.filter((one): one is Tokens.Table => one.type === "table");
      assert.deepEqual([hosts?.rows.length, security?.rows.length], [2, 1]);
      for (const row of [...(hosts?.rows ?? []), ...(security?.rows ?? [])]) assert.ok(row.length <= 4);
      const inside = tokensIn(blocks.filter(({ type }) => type !== "html" && type !== "code"));
      for (const { type, raw } of inside) {
        assert.ok(
          !["link", "image", "strong", "em", "del", "br", "checkbox", "def"].includes(type),
          `${type}: ${raw}`,
        );
        if (type === "html") assert.match(raw, /^<\/?code>$/);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a refusal and a warning are quoted lines, and nothing else", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const plan: Plan = { ...plain, verdict: "refused", refusals: [`x${text}`], warnings: [] };
      const blocks = marked.lexer(markdown(plan, NOW)).filter(({ type }) => type !== "space");
      assert.deepEqual(
        blocks.map(({ type }) => type),
        ["heading", "blockquote"],
      );
      for (const { type, raw } of tokensIn(blocks.slice(1)))
        assert.ok(
          [
            "blockquote",
            "paragraph",
            "text",
            "escape",
            "codespan",
            "html",
            "list",
            "list_item",
            "space",
          ].includes(type),
          `${type}: ${raw}`,
        );
    }),
    { numRuns: 2000 },
  );
});

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };

/** What a reader sees; a tag would be seen as one here. */
function seen(written: string): string {
  const html = String(marked.parseInline(`x${written}x`));
  return html
    .replaceAll(/&(?:#(\d+)|(\w+));/g, (_, code, name) => NAMED[name] ?? String.fromCodePoint(Number(code)))
    .replaceAll("\u200b", "")
    .slice(1, -1);
}

test("a value is seen as it was written, but for what cannot be seen", () => {
  const value = fc.array(
    fc.constantFrom("`", "|", "\\", "<b>", "@x", "#1", "*", "_", "a", "&lt;", "https://"),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(value, (parts) => {
      assert.equal(seen(literal(parts.join(""))), parts.join(""));
    }),
    { numRuns: 2000 },
  );
});

test("settings in backticks are code; a mention is none", () => {
  assert.equal(inline("`--cors=*` → `x`, by @me"), "`--cors=*` → `x`, by &#64;&#8203;me");
  assert.equal(inline("`a|b\\`"), "<code>a&#124;b&#92;</code>");
  assert.equal(inline("one ` alone"), "one &#96; alone");
});

test("a backtick in a flag stays in its code", () => {
  const plan = planOf({
    changes: { "node1-member": restarts({ "snapshot-count": "10000", cors: "`@everyone`<b>|" }) },
  });
  const text = markdown(plan, NOW);
  assert.match(text, /^\| 1 \| node1 10\.0\.0\.1 \| restart \| <code>[^<`@|]*<\/code> added \|$/m);
});
