// Part of the simulated EC2: Route 53 records. They are recorded and checked; no resolver knows them.
import { isIPv4 } from "node:net";
import { number, type Properties, text, texts } from "../../engine/properties.ts";
import type { Failure } from "../../engine/provider.ts";
import { refuse } from "../cloud.ts";
import { between, matches, oneOf } from "../fields.ts";
import type { Description } from "../resource.ts";

export const record: Description = {
  kind: "record",
  title: "Route 53 Record",
  fields: {
    zoneId: {
      shape: "text",
      required: true,
      replaces: true,
      test: matches(/^Z[0-9A-Z]{1,31}$/, "the id of a hosted zone"),
    },
    name: { shape: "text", required: true, replaces: true },
    type: { shape: "text", required: true, test: oneOf("A", "AAAA", "CNAME", "TXT", "SRV") },
    ttl: { shape: "number", test: between(0, 2_147_483_647) },
    records: { shape: "texts" },
    aliases: {
      shape: [
        {
          name: { shape: "text", required: true },
          zoneId: { shape: "text", required: true },
          evaluateTargetHealth: { shape: "flag", required: true },
        },
      ],
    },
    setIdentifier: { shape: "text", replaces: true },
    multivalueAnswerRoutingPolicy: { shape: "flag" },
    healthCheckId: { shape: "text" },
    allowOverwrite: { shape: "flag" },
  },
  computed: ["fqdn"],
  rules: recordFailures,

  create(cloud, inputs) {
    const [zone, name, type, set] = ["zoneId", "name", "type", "setIdentifier"].map((key) =>
      text(inputs, key),
    );
    const id = [zone, name, type, ...(set === undefined ? [] : [set])].join("_");
    if (cloud.store.get("record", id) && inputs.allowOverwrite !== true) {
      const reason = `[Tried to create resource record set [name='${name}.', type='${type}'] but it already exists]`;
      refuse("ChangeResourceRecordSets", "InvalidChangeBatch", reason, "Route 53");
    }
    return { id, computed: { fqdn: name ?? "" } };
  },
};

function recordFailures(inputs: Properties): Failure[] {
  const given = ["aliases", "records"].filter((key) => inputs[key] !== undefined);
  if (given.length !== 1)
    return [{ property: "records", reason: "one of `alias,records` must be specified" }];
  if (inputs.records !== undefined && inputs.ttl === undefined)
    return [{ property: "ttl", reason: "all of `records,ttl` must be specified" }];
  if (inputs.type !== "A" || number(inputs, "ttl") === undefined) return [];
  const wrong = texts(inputs, "records").find((value) => /^[\d.]+$/.test(value) && !isIPv4(value));
  return wrong === undefined ? [] : [{ property: "records", reason: `${wrong} is not an IPv4 address` }];
}
