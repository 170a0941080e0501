// Part of the simulated EC2: what the properties of a resource may be, and which changes replace it.
import { isObject, type Properties, UNKNOWN, type Value } from "../engine/properties.ts";
import type { Failure } from "../engine/provider.ts";

type Shape = "text" | "number" | "flag" | "texts" | "tags" | Fields | readonly [Fields];

export interface Field {
  /** A map of fields is an object; in brackets, a list of such objects. */
  readonly shape: Shape;
  readonly required?: boolean;
  /** A change needs a new resource. */
  readonly replaces?: boolean;
  /** Without it the API chooses, and keeps what it has: leaving it out later changes nothing. */
  readonly chosen?: boolean;
  /** The API's default. */
  readonly initial?: Value;
  /** Only for `name`: derived from the resource's name if it is not given. */
  readonly longestName?: number;
  /** What is wrong with a (known) value. */
  readonly test?: (value: Value) => string | undefined;
}

export type Fields = Readonly<Record<string, Field>>;

export function checkFields(inputs: Properties, fields: Fields, prefix = ""): Failure[] {
  const unknown = Object.keys(inputs)
    .filter((key) => !(key in fields) && !key.startsWith("__"))
    .map((key) => ({
      property: `${prefix}${key}`,
      reason: `${prefix}${key} is not part of the simulated EC2`,
    }));
  return [
    ...unknown,
    ...Object.entries(fields).flatMap(([key, field]) =>
      checkField(`${prefix}${key}`, inputs[key] ?? null, field),
    ),
  ];
}

function checkField(property: string, value: Value, { shape, required, test }: Field): Failure[] {
  if (value === UNKNOWN) return [];
  if (value === null)
    return required ? [{ property, reason: `Missing required property '${property}'` }] : [];
  if (!hasShape(value, shape)) return [{ property, reason: `expected ${shapeName(shape)}` }];
  if (isFields(shape) && isObject(value)) return checkFields(value, shape, `${property}.`);
  if (isList(shape) && Array.isArray(value)) {
    return value.flatMap((item, index) =>
      isObject(item) ? checkFields(item, shape[0], `${property}[${index}].`) : [],
    );
  }
  const items =
    shape === "texts" && Array.isArray(value) ? value.filter((item) => item !== UNKNOWN) : [value];
  return items.flatMap((item) => {
    const reason = test?.(item);
    return reason === undefined ? [] : [{ property, reason }];
  });
}

function hasShape(value: Value, shape: Shape): boolean {
  if (isList(shape)) return Array.isArray(value) && value.every((item) => isObject(item) || item === UNKNOWN);
  if (isFields(shape)) return isObject(value);
  switch (shape) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "flag":
      return typeof value === "boolean";
    case "texts":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "tags":
      return isObject(value) && Object.values(value).every((item) => typeof item === "string");
  }
}

function shapeName(shape: Shape): string {
  if (isList(shape)) return "a list of objects";
  if (isFields(shape)) return "an object";
  return {
    text: "a string",
    number: "a number",
    flag: "a boolean",
    texts: "a list of strings",
    tags: "a map of strings",
  }[shape];
}

function isList(shape: Shape): shape is readonly [Fields] {
  return Array.isArray(shape);
}

function isFields(shape: Shape): shape is Fields {
  return typeof shape === "object" && !Array.isArray(shape);
}

/** With the API's defaults. Objects that are not given stay absent. */
export function withInitial(properties: Properties, fields: Fields): Properties {
  const complete: Properties = { ...properties };
  for (const [key, { shape, initial }] of Object.entries(fields)) {
    const value = complete[key] ?? null;
    if (value === null && initial !== undefined) complete[key] = initial;
    else if (isFields(shape) && isObject(value)) complete[key] = withInitial(value, shape);
  }
  return complete;
}

/** Whether a change of the property at this path (`rootBlockDevice.encrypted`, `tags.Name`) needs a new resource. */
export function replacesAt(path: string, fields: Fields): boolean {
  return fieldsAt(path, fields).some(({ replaces }) => replaces === true);
}

/** Whether the property at this path may be left out later without a change. */
export function isChosenAt(path: string, fields: Fields): boolean {
  return fieldsAt(path, fields).at(-1)?.chosen === true;
}

/** From the outermost field to the one at the path. */
function fieldsAt(path: string, fields: Fields): readonly Field[] {
  const [key = "", ...rest] = path.replaceAll(/\[[^\]]*\]/g, "").split(".");
  const field = fields[key];
  if (!field) return [];
  const { shape } = field;
  const inner = isList(shape) ? shape[0] : shape;
  return rest.length > 0 && isFields(inner) ? [field, ...fieldsAt(rest.join("."), inner)] : [field];
}

// ---- checks of values

export const matches = (pattern: RegExp, what: string) => (value: Value) =>
  typeof value === "string" && pattern.test(value)
    ? undefined
    : `expected ${what}, got ${JSON.stringify(value)}`;

export const idOf = (prefix: string) =>
  matches(new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`), `an id like ${prefix}-0123456789abcdef0`);

export const between = (least: number, most: number) => (value: Value) =>
  typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
    ? undefined
    : `expected a whole number in the range (${least} - ${most}), got ${JSON.stringify(value)}`;

export const oneOf =
  (...allowed: string[]) =>
  (value: Value) =>
    typeof value === "string" && allowed.includes(value)
      ? undefined
      : `expected to be one of ${JSON.stringify(allowed)}, got ${JSON.stringify(value)}`;

export const TAGS: Field = {
  shape: "tags",
  test: (value) => {
    const wrong = Object.entries(isObject(value) ? value : {}).find(
      ([key, tag]) => key === "" || key.length > 128 || /^aws:/i.test(key) || String(tag).length > 256,
    );
    return (
      wrong &&
      `the tag ${JSON.stringify(wrong[0])}: a key has 1 to 128 characters and does not begin with aws:`
    );
  },
};
