/** Pulumi's mock monitor, made to answer like the engine with this program's providers, and to write down what it is asked. */

import { setImmediate as nextTurn } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type {
  RegisterResourceOutputsRequest,
  RegisterResourceRequest,
} from "@pulumi/pulumi/proto/resource_pb.js";
import { answerOf, idOf, instanceOf, outputsOf } from "./providers.ts";

/** One resource as it was registered. */
export interface Registration {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly custom: boolean;
  /** Plain values, secrets unwrapped; `secretInputs` names those that were secret. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly secretInputs: readonly string[];
  /** URNs of what it waits for: `dependsOn`, and the resources its inputs come from. */
  readonly dependencies: readonly string[];
  readonly request: RegisterResourceRequest;
}

export interface Output {
  readonly value: unknown;
  readonly secret: boolean;
}

type Values = Readonly<Record<string, unknown>>;

export interface Answers {
  /** Outputs that an earlier run left in the stack. */
  readonly earlier?: Readonly<Record<string, unknown>>;
  /** Names of the earlier outputs that are secret. */
  readonly earlierSecrets?: readonly string[];
  /** Nothing is made, so every output is unknown. */
  readonly preview?: boolean;
  /** Outputs of single resources in place of the usual ones, and `id` for its id, by resource name. */
  readonly mocked?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What AWS answers in place of the usual, by the name of the function; an error is why it does not. */
  readonly calls?: Readonly<Record<string, Values | Error | ((inputs: Values) => Values)>>;
  /** Name of a resource that cannot be made. The run fails for good: only for a process of its own. */
  readonly fails?: string;
}

/** What the engine was asked for, filled while the program runs. */
export class Recording {
  readonly resources: Registration[] = [];
  /** `start NAME` and, once it is made, `end NAME` of every custom resource, in the order of time. */
  readonly events: string[] = [];
  /** Outputs that components and the stack registered, by URN. */
  readonly outputs = new Map<string, Readonly<Record<string, Output>>>();
}

export const STACK_TYPE = "pulumi:pulumi:Stack";

/** Connects the SDK to the mocks until the next call. */
export async function mockEngine(answers: Answers, recording: Recording): Promise<void> {
  const mocks: pulumi.runtime.Mocks = {
    call: ({ token, inputs }) => {
      const given = answers.calls?.[token.split(":").at(-1) ?? token];
      const answer = typeof given === "function" ? given(inputs) : given;
      // The SDK reads no more of an error than what one of gRPC has.
      if (answer instanceof Error) throw Object.assign(answer, { details: answer.message });
      if (token === "aws:ec2/getInstances:getInstances")
        return foundBy(inputs, { ids: Object.keys(provenInstances(answers)), ...answer });
      const proven = provenInstances(answers)[String(inputs.instanceId)];
      if (proven !== undefined) return proven;
      return { ...answerOf(token, inputs), ...answer };
    },
    newResource: ({ type, name, inputs }) =>
      type === "pulumi:pulumi:StackReference"
        ? { id: name, state: earlierOutputs(name, answers) }
        : makeResource(answers, recording, type, name, inputs),
  };
  await pulumi.runtime.setMocks(mocks, "etcd", "dev", answers.preview ?? false, "organization");
  record(recording);
}

/** Where instances are looked for by their ids: those alone. */
function foundBy(inputs: Values, { ids, ...answer }: Values): Record<string, unknown> {
  const all: readonly unknown[] = Array.isArray(ids) ? ids : [];
  const wanted: unknown = Object(Object(inputs.filters)[0]).values;
  return { ...answer, ids: Array.isArray(wanted) ? all.filter((id) => wanted.includes(id)) : all };
}

/** What AWS says of the instances that an earlier run left, by id. */
function provenInstances({ earlier }: Answers): Readonly<Record<string, Record<string, unknown>>> {
  const nodes = Object.entries(Object(Object(earlier?.deployed).nodes));
  const made = nodes.filter(([, node]) => Object(node).instance !== undefined);
  return Object.fromEntries(
    made.map(([name, node]) => {
      const { instance: id, machine } = Object(node);
      return [id, instanceOf(String(id), name, machine)];
    }),
  );
}

/** The mocks see inputs only; options, dependencies and registered outputs are in the requests to the monitor. */
function record(recording: Recording): void {
  const monitor = pulumi.runtime.getMonitor();
  if (monitor === undefined) throw new Error("there are no mocks");
  const { registerResource, registerResourceOutputs } = monitor;
  Object.assign(monitor, {
    newUrn: engineUrn,
    registerResource(request: RegisterResourceRequest, callback: unknown): unknown {
      recording.resources.push(registration(request));
      return Reflect.apply(registerResource, monitor, [request, callback]);
    },
    registerResourceOutputs(request: RegisterResourceOutputsRequest, callback: unknown): unknown {
      const { values, secrets } = plainProperties(request.getOutputs());
      const outputs = Object.entries(values).map(([key, value]) => [
        key,
        { value, secret: secrets.includes(key) },
      ]);
      recording.outputs.set(request.getUrn(), Object.fromEntries(outputs));
      return Reflect.apply(registerResourceOutputs, monitor, [request, callback]);
    },
  });
}

/** As the engine makes it: the types of all parents but the stack, then the own one. */
function engineUrn(parent: string, type: string, name: string): string {
  const parentType = parent.split("::")[2];
  const qualified = parentType === undefined || parentType === STACK_TYPE ? type : `${parentType}$${type}`;
  return `urn:pulumi:dev::etcd::${qualified}::${name}`;
}

function registration(request: RegisterResourceRequest): Registration {
  const { values, secrets } = plainProperties(request.getObject());
  return {
    urn: engineUrn(request.getParent(), request.getType(), request.getName()),
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent(),
    custom: request.getCustom(),
    inputs: values,
    secretInputs: secrets,
    dependencies: request.getDependenciesList(),
    request,
  };
}

/** A secret, however deep it was, arrives as a wrapper around the property of the top level. */
function plainProperties(struct: ReturnType<RegisterResourceRequest["getObject"]>): {
  values: Record<string, unknown>;
  secrets: readonly string[];
} {
  const { deserializeProperties, isRpcSecret, unwrapRpcSecret } = pulumi.runtime;
  const entries = Object.entries(struct === undefined ? {} : deserializeProperties(struct));
  return {
    values: Object.fromEntries(
      entries.map(([key, value]) => [key, isRpcSecret(value) ? unwrapRpcSecret(value) : value]),
    ),
    secrets: entries.filter(([, value]) => isRpcSecret(value)).map(([key]) => key),
  };
}

/** The earlier outputs, which only the stack's own name leads to. */
function earlierOutputs(name: string, { earlier, earlierSecrets }: Answers): Record<string, unknown> {
  if (name !== "organization/etcd/dev") throw new Error(`the program reads another stack, ${name}`);
  return { name, outputs: earlier ?? {}, secretOutputNames: earlierSecrets ?? [] };
}

async function makeResource(
  answers: Answers,
  { resources, events }: Recording,
  type: string,
  name: string,
  inputs: Readonly<Record<string, unknown>>,
): Promise<{ id: string; state: Record<string, unknown> }> {
  const registered = resources.find((one) => one.type === type && one.name === name);
  if (!registered?.custom) return { id: "", state: {} };
  events.push(`start ${name}`);
  // Long enough for anything that does not wait to overtake it.
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  if (answers.fails === name) throw new Error(`${name} fails`);
  events.push(`end ${name}`);

  const usual = answers.preview ? {} : outputsOf(type, name, registered.inputs);
  const secrets = registered.request.getAdditionalsecretoutputsList();
  const { id = answers.preview ? "" : idOf(type, name), ...mocked } = answers.mocked?.[name] ?? {};
  const outputs = Object.entries({ ...usual, ...mocked }).map(([key, value]) => [
    key,
    secrets.includes(key) ? pulumi.secret(value) : value,
  ]);
  return { id: String(id), state: { ...inputs, ...Object.fromEntries(outputs) } };
}
