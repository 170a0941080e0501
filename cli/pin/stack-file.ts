/** A stack's file: what pin reads of it, and the two settings that it writes. All other lines stay as they are. */

import { Document, isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";
import { keyOf, settingOf } from "../../config/project.ts";
import type { Digests } from "../../etcd/releases.ts";
import { record } from "../../lib/json.ts";

/** The settings by name; a secret is an object with its ciphertext. */
export function settingsIn(text: string): Readonly<Record<string, unknown>> {
  const { config } = record(parsed(text).toJS());
  return Object.fromEntries(
    Object.entries(record(config)).flatMap(([key, value]) => {
      const setting = settingOf(key);
      return setting === undefined ? [] : [[setting, value]];
    }),
  );
}

/** The text with another version; `digests` are those of the version, nothing takes its entry out. */
export function withRelease(text: string, version: string, digests: Digests | undefined): string {
  const declared = withVersion(text.endsWith("\n") ? text : `${text}\n`, version);
  const document = parsed(declared);
  const pair = pairOf(configOf(document), "sha256");
  const sha256 = isMap(pair?.value) ? pair.value : document.createNode({});
  if (digests === undefined) sha256.delete(version);
  else sha256.set(document.createNode(version), document.createNode(digests));
  if (sha256.items.length === 0) return pair === undefined ? declared : replaced(declared, pair, "");
  sha256.flow = false;
  sha256.comment = null; // what stands below its last line stays there
  const lines = rendered("sha256", sha256, indentOf(declared, pairOf(configOf(document), "version")));
  if (pair !== undefined) return replaced(declared, pair, lines);
  const [, end] = linesOf(declared, pairOf(configOf(document), "version"));
  return `${declared.slice(0, end)}${lines}${declared.slice(end)}`;
}

function withVersion(text: string, version: string): string {
  const config = configOf(parsed(text));
  const pair = pairOf(config, "version");
  if (isScalar(pair?.value) && pair.value.range) {
    const [start, end] = pair.value.range;
    return `${text.slice(0, start)}${version}${text.slice(end)}`;
  }
  const [start] = linesOf(text, config.items[0]);
  const indent = indentOf(text, config.items[0]);
  return `${text.slice(0, start)}${indent}${keyOf("version")}: ${version}\n${text.slice(start)}`;
}

function parsed(text: string): Document.Parsed {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document;
}

function configOf(document: Document.Parsed): YAMLMap {
  const config = document.get("config");
  if (!isMap(config) || config.flow || config.items.length === 0)
    throw new Error("it has no settings under config:, one a line");
  return config;
}

function pairOf(config: YAMLMap, setting: string): Pair | undefined {
  return config.items.find(({ key }) => isScalar(key) && key.value === keyOf(setting));
}

/** From the start of its first line to the end of its last one. */
function linesOf(text: string, pair: Pair | undefined): readonly [start: number, end: number] {
  const start = rangeOf(pair?.key)[0];
  const last = rangeOf(pair?.value)[1];
  const end = text.indexOf("\n", Math.max(start, last - 1));
  return [text.lastIndexOf("\n", start) + 1, end === -1 ? text.length : end + 1];
}

function rangeOf(node: unknown): readonly [start: number, end: number] {
  const range =
    typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)
      ? node.range
      : [];
  return [Number(range[0] ?? 0), Number(range[1] ?? 0)];
}

function indentOf(text: string, pair: Pair | undefined): string {
  const [start] = linesOf(text, pair);
  return /^ */.exec(text.slice(start))?.[0] ?? "";
}

function replaced(text: string, pair: Pair, lines: string): string {
  const [start, end] = linesOf(text, pair);
  return `${text.slice(0, start)}${lines}${text.slice(end)}`;
}

function rendered(setting: string, value: YAMLMap, indent: string): string {
  const document = new Document({});
  document.set(keyOf(setting), value);
  const lines = document.toString({ lineWidth: 0 }).trimEnd().split("\n");
  return `${lines.map((line) => (line === "" ? "" : indent + line)).join("\n")}\n`;
}
