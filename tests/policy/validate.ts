// Calls a rule's functions as @pulumi/policy does, on plain data.
import assert from "node:assert/strict";
import {
  type PolicyResource,
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  Secret,
  type StackValidationPolicy,
  unknownCheckingProxy,
} from "@pulumi/policy";
import { UNKNOWN } from "../../lab/engine/properties.ts";

export { Secret, UNKNOWN };

export interface Given {
  readonly type: string;
  readonly name?: string;
  readonly props?: Readonly<Record<string, unknown>>;
  /** The type of the component that it is in. */
  readonly inside?: string;
  readonly protect?: boolean;
  readonly inert?: boolean;
  /** What each property was made from. */
  readonly from?: Readonly<Record<string, readonly PolicyResource[]>>;
}

/** A resource as rules get it: reading a value that is not known throws. */
export function resource({
  type,
  name = "x",
  props = {},
  inside,
  protect,
  inert,
  from,
}: Given): PolicyResource {
  return {
    type,
    name,
    urn: `urn:pulumi:test::etcd::${inside === undefined ? "" : `${inside}$`}${type}::${name}`,
    props: unknownCheckingProxy({ ...props }),
    opts: {
      protect: protect ?? false,
      ignoreChanges: inert === true ? ["*"] : [],
      aliases: [],
      customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
      additionalSecretOutputs: [],
    },
    dependencies: [],
    propertyDependencies: Object.fromEntries(
      Object.entries(from ?? {}).map(([property, made]) => [property, [...made]]),
    ),
    isType: () => false,
    asType: () => undefined,
  };
}

const context = {
  stackTags: new Map<string, string>(),
  getConfig: () => assert.fail("no rule has settings"),
  notApplicable: () => assert.fail("no rule says so"),
};

function argsOf(given: Given): ResourceValidationArgs {
  const { type, name, urn, props, opts } = resource(given);
  return { type, name, urn, props, opts, ...context, isType: () => false, asType: () => undefined };
}

/** What a rule says of a resource. */
export function validate(rule: ResourceValidationPolicy, given: Given): readonly string[] {
  const messages: string[] = [];
  const validation = rule.validateResource;
  assert.ok(typeof validation === "function");
  validation(argsOf(given), (message) => messages.push(message));
  return messages;
}

/** What a rule says of a resource where it may look for secrets before, and gets them unwrapped afterwards. */
export function lookAndValidate(
  rule: ResourceValidationPolicy,
  given: Given,
  unwrapped: Given,
): readonly string[] {
  assert.equal(rule.remediateResource?.(argsOf(given)), undefined, "it changes nothing");
  return validate(rule, unwrapped);
}

/** What a rule says of a stack. */
export function validateStack(
  rule: StackValidationPolicy,
  resources: readonly PolicyResource[],
): readonly string[] {
  const messages: string[] = [];
  rule.validateStack({ resources: [...resources], ...context }, (message) => messages.push(message));
  return messages;
}

export function passes(rule: ResourceValidationPolicy, given: Given): void {
  assert.deepEqual(validate(rule, given), [], `${rule.name} on ${JSON.stringify(given)}`);
}

export function refuses(rule: ResourceValidationPolicy, given: Given, message: RegExp): void {
  const messages = validate(rule, given);
  assert.equal(messages.length, 1, `${rule.name} on ${JSON.stringify(given)}: ${messages.join(" ")}`);
  assert.match(messages[0] ?? "", message);
}
