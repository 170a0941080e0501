// Part of the simulated EC2: a resource type from its description.
import { randomBytes } from "node:crypto";
import {
  type Changes,
  compare,
  diffResponse,
  isObject,
  type Properties,
  present,
  UNKNOWN,
} from "../engine/properties.ts";
import type { Failure, ResourceType } from "../engine/provider.ts";
import { type Cloud, needId } from "./cloud.ts";
import { checkFields, type Fields, isChosenAt, replacesAt, withInitial } from "./fields.ts";

export interface Description {
  /** The folder of its resources in the store; also its name in messages ("security-group"). */
  readonly kind: string;
  /** As the provider begins its messages: "creating EC2 Instance: …". */
  readonly title: string;
  readonly fields: Fields;
  /** Outputs that are not inputs; unknown in the preview of a creation, as are fields that the API chooses. */
  readonly computed: readonly string[];
  /** What a replacement shows as changed too, because the API chooses it anew. */
  readonly anew?: readonly string[];
  /** What is wrong with the inputs in combination. */
  readonly rules?: (inputs: Properties) => Failure[];
  /** Whether this change replaces, where that depends on more than the property. */
  readonly replaces?: (path: string, before: Properties, after: Properties) => boolean;
  /** Refuses, or gives the resource its id and its computed outputs. Nothing else changes meanwhile. */
  readonly create: (cloud: Cloud, inputs: Properties) => Made | Promise<Made>;
  /** The slow part of a creation, after `create`; returns what it changed. It undoes the creation if it fails. */
  readonly settle?: (cloud: Cloud, id: string, thing: Properties) => Promise<Properties>;
  /** Refuses, or says what else changes. */
  readonly update?: (cloud: Cloud, id: string, before: Properties, after: Properties) => Promise<Properties>;
  /** The slow part of a deletion, which comes first. */
  readonly retire?: (cloud: Cloud, id: string, thing: Properties) => Promise<void>;
  /** Refuses a deletion, or undoes what the creation did to other resources. Nothing else changes meanwhile. */
  readonly remove?: (cloud: Cloud, id: string, thing: Properties) => void | Promise<void>;
  /** The current outputs, if they can change by themselves. */
  readonly now?: (cloud: Cloud, id: string, thing: Properties) => Promise<Properties>;
}

export interface Made {
  readonly id: string;
  readonly computed: Properties;
}

export function resourceType(cloud: () => Cloud, description: Description): ResourceType {
  const { kind, title, fields, computed, anew = [] } = description;
  const chosen = Object.keys(fields).filter((key) => fields[key]?.chosen);
  const complete = (inputs: Properties) => withTags(withInitial(inputs, fields), fields);
  const failing = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new Error(`${doing} ${title}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  };

  return {
    check(given, name, before) {
      const inputs = withName(given, name, before, fields);
      const failures = checkFields(inputs, fields);
      return { inputs, failures: failures.length > 0 ? failures : (description.rules?.(inputs) ?? []) };
    },

    diff(old, inputs) {
      const changes: Changes = compare(withInitial(old.inputs, fields), withInitial(inputs, fields));
      for (const [path, change] of changes)
        if (change === "DELETE" && isChosenAt(path, fields)) changes.delete(path);
      const replaces = (path: string) =>
        replacesAt(path, fields) || (description.replaces?.(path, old.outputs, inputs) ?? false);
      const paths = [...changes.keys()];
      if (paths.some((path) => path.startsWith("tags"))) changes.set("tagsAll", "UPDATE");
      if (paths.some(replaces)) for (const key of anew) changes.set(key, "UPDATE");
      return diffResponse(changes, (path) => paths.includes(path) && replaces(path));
    },

    async create({ inputs, preview }) {
      const state = complete(inputs);
      if (preview) {
        const open = [...computed, ...chosen.filter((key) => !(key in inputs))];
        return { id: "", outputs: { ...state, ...Object.fromEntries(open.map((key) => [key, UNKNOWN])) } };
      }
      return await failing("creating", async () => {
        const { id, thing } = await cloud().store.locked(async () => {
          const made = await description.create(cloud(), state);
          const thing = { ...state, ...made.computed, region: cloud().region };
          cloud().store.put(kind, made.id, thing);
          return { id: made.id, thing };
        });
        const changed = (await description.settle?.(cloud(), id, thing)) ?? {};
        return { id, outputs: { ...thing, ...changed } };
      });
    },

    async update({ id, inputs, preview }, old) {
      const state = complete(inputs);
      const dropped = Object.keys(old.inputs).filter((key) => !(key in inputs) && !chosen.includes(key));
      const kept = Object.fromEntries(Object.entries(old.outputs).filter(([key]) => !dropped.includes(key)));
      if (preview) return { ...kept, ...state };
      return await failing("updating", async () => {
        const before = await cloud().store.locked(() => needId(cloud(), `Modify${title}`, kind, id));
        const changed = (await description.update?.(cloud(), id, before, state)) ?? {};
        return await cloud().store.locked(() => {
          const now = cloud().store.get(kind, id) ?? before;
          const thing = { ...without(now, dropped), ...state, ...changed };
          cloud().store.put(kind, id, thing);
          return thing;
        });
      });
    },

    async read(_, id) {
      const thing = cloud().store.get(kind, id);
      return thing && { ...thing, ...(await description.now?.(cloud(), id, thing)) };
    },

    async delete({ id }) {
      await failing("deleting", async () => {
        const thing = cloud().store.get(kind, id);
        if (thing) await description.retire?.(cloud(), id, thing);
        await cloud().store.locked(async () => {
          const now = cloud().store.get(kind, id);
          if (now) await description.remove?.(cloud(), id, now);
          cloud().store.remove(kind, id);
        });
      });
    },
  };
}

/** A name for a resource without one, in Pulumi's format; it stays as long as the resource does. */
function withName(inputs: Properties, name: string, before: Properties, fields: Fields): Properties {
  const longest = fields.name?.longestName;
  if (longest === undefined || inputs.name !== undefined) return inputs;
  const suffix = `-${randomBytes(4).toString("hex").slice(1)}`;
  return { ...inputs, name: before.name ?? `${name.slice(0, longest - suffix.length)}${suffix}` };
}

function without(properties: Properties, keys: readonly string[]): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !keys.includes(key)));
}

function withTags(properties: Properties, fields: Fields): Properties {
  if (!("tags" in fields)) return properties;
  return { ...properties, tagsAll: isObject(properties.tags) ? present(properties.tags) : {} };
}
