import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hostProgram, PARTS } from "../../host/program.ts";

const project = path.resolve(import.meta.dirname, "../..");
const folder = path.join(project, "host/sh");

/** Runs a checker over the program, given on stdin. */
function check(command: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    input: hostProgram(),
    encoding: "utf8",
  });
  assert.equal(error, undefined);
  assert.equal(status, 0, `${stdout}${stderr}`);
}

test("every part in the folder is in the program, and each begins by saying what it is", () => {
  assert.deepEqual(fs.readdirSync(folder).sort(), PARTS.map((part) => `${part}.sh`).sort());
  for (const part of PARTS) {
    const text = fs.readFileSync(path.join(folder, `${part}.sh`), "utf8");
    assert.match(text, /^(#!\/bin\/sh\n)?# \S/, part);
    assert.ok(text.endsWith("\n"), part);
  }
});

test("shellcheck finds nothing in the whole program, read as POSIX sh", () =>
  check("shellcheck", "-s", "sh", "-"));

test("dash reads it", () => check("dash", "-n"));

test("bash reads it as POSIX sh, as on hosts whose sh it is", () => check("bash", "--posix", "-n"));

/** Relative imports and bare ones of a TypeScript file. */
function importsOf(file: string): string[] {
  const text = fs.readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name = ""]) => name);
}
function typeScriptIn(dir: string): string[] {
  return fs
    .readdirSync(path.join(project, dir), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.join(project, dir, file));
}

test("nothing in host/ reaches Pulumi: it imports only Node and its own folder", () => {
  const files = typeScriptIn("host");
  assert.ok(files.length >= 4);
  for (const file of files)
    for (const name of importsOf(file)) assert.match(name, /^(node:|\.\/)/, `${file} imports ${name}`);
});

test("components/ holds no shell: its texts come from host/", () => {
  const files = typeScriptIn("components");
  assert.ok(files.length >= 5);
  const shell =
    /&&|\|\||\bset -e|\$\(|2>|>\/dev\/null|\bsudo\b|\bsystemctl\b|\bmkdir\b|\brm -|\bcat\b|; ?(then|do|fi|exit)\b|(?<!\|)\|(?!\|)/;
  for (const file of files) {
    const strings = stringsOf(fs.readFileSync(file, "utf8"));
    for (const text of strings) assert.doesNotMatch(text, shell, `${file}: ${text}`);
  }
});

/** String literals of TypeScript without its comments; what a template inserts is code, not text. */
function stringsOf(source: string): string[] {
  const found: string[] = [];
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\[\s\S])*)`/g;
  for (const [, double, single, template] of source.matchAll(token)) {
    const text = double ?? single ?? template?.replaceAll(/\$\{[^}]*\}/g, "");
    if (text) found.push(text);
  }
  return found;
}

test("the reading of string literals sees what it should and skips comments", () => {
  const source = `a("x y", \`p \${q && r} s\`); // "no"\n/* \`no\` */ b('z')`;
  assert.deepEqual(stringsOf(source), ["x y", "p  s", "z"]);
});
