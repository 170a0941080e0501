// Part of the stand-ins for machines without downloads: resource properties as plain data, and how they travel and differ.
import { isDeepStrictEqual } from "node:util";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";

export type Value = null | boolean | number | string | Value[] | Properties;
export interface Properties {
  [key: string]: Value;
}

/** What the engine sends instead of a value that is not known yet (in a preview). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function fromStruct(struct: structs.Struct | undefined): Properties {
  const properties: Properties = {};
  for (const [key, value] of struct?.getFieldsMap().entries() ?? []) properties[key] = fromValue(value);
  return properties;
}

function fromValue(value: structs.Value): Value {
  if (value.hasStringValue()) return value.getStringValue();
  if (value.hasNumberValue()) return value.getNumberValue();
  if (value.hasBoolValue()) return value.getBoolValue();
  if (value.hasStructValue()) return fromStruct(value.getStructValue());
  if (value.hasListValue()) return value.getListValue()?.getValuesList().map(fromValue) ?? [];
  return null;
}

export function toStruct(properties: Properties): structs.Struct {
  return structs.Struct.fromJavaScript(properties);
}

export function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function text(properties: Properties, key: string): string | undefined {
  const value = properties[key];
  return typeof value === "string" ? value : undefined;
}

export function number(properties: Properties, key: string): number | undefined {
  const value = properties[key];
  return typeof value === "number" ? value : undefined;
}

export function texts(properties: Properties, key: string): string[] {
  const value = properties[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The properties without those that are null: to the engine, null and absent are the same. */
export function present(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
}

export type ChangeKind = "ADD" | "DELETE" | "UPDATE";
/** Changed property paths, in the engine's notation (`connection.host`, `triggers[0]`). */
export type Changes = Map<string, ChangeKind>;

export function compare(
  before: Properties,
  after: Properties,
  prefix = "",
  changes: Changes = new Map(),
): Changes {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    compareValue(before[key] ?? null, after[key] ?? null, join(prefix, key), changes);
  }
  return changes;
}

function compareValue(before: Value, after: Value, path: string, changes: Changes): void {
  if (isDeepStrictEqual(before, after)) return;
  if (before === null) changes.set(path, "ADD");
  else if (after === null) changes.set(path, "DELETE");
  else if (isObject(before) && isObject(after)) compare(before, after, path, changes);
  else if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      compareValue(before[index] ?? null, after[index] ?? null, `${path}[${index}]`, changes);
    }
  } else changes.set(path, "UPDATE");
}

function join(prefix: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${prefix}["${key.replaceAll('"', '\\"')}"]`;
  return prefix === "" ? key : `${prefix}.${key}`;
}

export const { DIFF_SOME, DIFF_NONE } = provider.DiffResponse.DiffChanges;

/** The engine's form of changes; `replaces` says which paths a new resource is needed for. */
export function diffResponse(changes: Changes, replaces: (path: string) => boolean): provider.DiffResponse {
  const { Kind } = provider.PropertyDiff;
  const response = new provider.DiffResponse();
  response.setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE);
  response.setHasdetaileddiff(true);
  for (const [path, kind] of changes) {
    const replace = replaces(path);
    const entry = new provider.PropertyDiff();
    entry.setKind(replace ? Kind[`${kind}_REPLACE`] : Kind[kind]);
    response.getDetaileddiffMap().set(path, entry);
    response.addDiffs(path);
    if (replace) response.addReplaces(path);
  }
  return response;
}
