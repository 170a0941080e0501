/** How clients find the members: a DNS name, its records, and a load balancer. */

import { parseAddress } from "../address.ts";
import { type Fields, show } from "../value.ts";
import type { AwsConfig } from "./model.ts";

type Clients = Pick<AwsConfig, "clientName" | "hostedZoneId" | "loadBalancer">;

export function parseClients(aws: Fields): Clients {
  const clientName = parseClientName(aws);
  const hostedZoneId = parseHostedZoneId(aws);
  const loadBalancer = aws.flag("loadBalancer", false);
  const missing = [
    clientName === "" && (loadBalancer || hostedZoneId !== "") && "clientName",
    hostedZoneId === "" && loadBalancer && "hostedZoneId",
  ].filter((name) => name !== false);
  if (missing.length > 0) {
    const why = loadBalancer
      ? "a load balancer needs a name that is in the certificates, and the zone that holds its records"
      : "a hosted zone is for the records of that name";
    const key = loadBalancer ? "loadBalancer" : "hostedZoneId";
    aws.problem(key, `${missing.join(" and ")} must be set too; ${why}.`);
  }
  return {
    ...(clientName === "" ? {} : { clientName }),
    ...(hostedZoneId === "" ? {} : { hostedZoneId }),
    loadBalancer,
  };
}

/** The name goes into every server certificate. */
function parseClientName(aws: Fields): string {
  const text = aws.text("clientName", "");
  if (text === "") return "";
  const parsed = parseAddress(text);
  const example = "write it like etcd.example.internal";
  if ("problem" in parsed) aws.problem("clientName", `${show(text)} ${parsed.problem}.`);
  else if (parsed.kind !== "dns")
    aws.problem("clientName", `${show(text)} is an address, not a name; ${example}.`);
  else if (!parsed.address.includes(".")) {
    aws.problem("clientName", `${show(text)} has no domain; ${example}.`);
  }
  return "problem" in parsed ? text : parsed.address;
}

function parseHostedZoneId(aws: Fields): string {
  const text = aws.text("hostedZoneId", "");
  if (text !== "" && !/^Z[A-Z0-9]{1,31}$/.test(text)) {
    aws.problem(
      "hostedZoneId",
      `${show(text)} is not a hosted zone id; write it like Z0123456789ABCDEFGHIJ.`,
    );
  }
  return text;
}
