/** The settings `aws.vpc` and `aws.subnets`: an existing network, or one that the program creates. */

import { unusable } from "../address.ts";
import { type Cidr, holds, overlap, parseCidr } from "../cidr.ts";
import { didYouMean } from "../did-you-mean.ts";
import { Fields, show } from "../value.ts";
import type { AwsConfig, AwsSubnet, Endpoint, OwnVpc } from "./model.ts";
import { isRegional, zoneOf } from "./zones.ts";

const ownKeys = ["cidr", "nat", "publicSubnets", "endpoints"];
const endpoints: readonly Endpoint[] = ["s3", "ssm"];

/** A subnet as it was read; if the range is missing or the zone is empty, a mistake in it has been reported. */
interface ReadSubnet {
  readonly fields: Fields;
  readonly zone: string;
  readonly id: string;
  readonly range?: Cidr;
}

export function parseNetwork(aws: Fields): Pick<AwsConfig, "vpc" | "subnets"> {
  const vpc = aws.object("vpc");
  vpc.refuseUnknown(["id", ...ownKeys]);
  const id = vpc.text("id", "");
  const subnets = readSubnets(aws, "subnets");
  if (subnets.length === 0) aws.problem("subnets", "none is listed; give one in each of three zones.");
  if (id !== "") {
    checkExisting(vpc, id);
    for (const { fields } of subnets) checkId(fields, "subnet", `give the id of the subnet in ${id}`);
    checkZones(subnets);
    checkRanges(subnets, undefined);
    return { vpc: { id }, subnets: subnets.map(toSubnet) };
  }
  const publicSubnets = readSubnets(vpc, "publicSubnets");
  const all = [...subnets, ...publicSubnets];
  for (const { fields } of all) refuseId(fields);
  checkZones(subnets, publicSubnets);
  checkRanges(all, parseOwnRange(vpc));
  const nat = parseNat(vpc, subnets, publicSubnets);
  const own = { cidr: vpc.text("cidr", ""), nat, endpoints: parseEndpoints(vpc) };
  return { vpc: { ...own, publicSubnets: publicSubnets.map(toSubnet) }, subnets: subnets.map(toSubnet) };
}

function toSubnet({ zone, id, range }: ReadSubnet): AwsSubnet {
  return { zone, cidr: range?.text ?? "", ...(id === "" ? {} : { id }) };
}

function checkExisting(vpc: Fields, id: string): void {
  if (!isId(id, "vpc"))
    vpc.problem("id", `${show(id)} is not a VPC id; write it like vpc-0abcdef1234567890.`);
  for (const key of ownKeys.filter((one) => vpc.get(one) !== undefined)) {
    vpc.problem(key, "is for a VPC that the program creates; leave it out, or leave out id.");
  }
}

function checkId(fields: Fields, kind: string, help: string): void {
  const id = fields.required("id", help);
  if (id !== "" && !isId(id, kind)) {
    fields.problem("id", `${show(id)} is not a ${kind} id; write it like ${kind}-0abcdef1234567890.`);
  }
}

function refuseId(fields: Fields): void {
  if (fields.get("id") === undefined) return;
  fields.problem(
    "id",
    "is for an existing VPC (aws.vpc.id); leave it out, since the program creates this one.",
  );
}

/** AWS ids have 8 hexadecimal digits for old resources, 17 for all others. */
export function isId(text: string, kind: string): boolean {
  return new RegExp(`^${kind}-([0-9a-f]{8}|[0-9a-f]{17})$`).test(text);
}

function parseOwnRange(vpc: Fields): Cidr | undefined {
  return parseRange(vpc, "give the id of an existing VPC, or the CIDR of one to create, like 10.20.0.0/16");
}

/** The `cidr` of a VPC or a subnet, in the sizes that AWS allows. */
function parseRange(fields: Fields, help: string): Cidr | undefined {
  const text = fields.required("cidr", help);
  if (text === "") return undefined;
  const range = parseCidr(text);
  const problem = "problem" in range ? range.problem : rangeProblem(range, text);
  if (problem === undefined && !("problem" in range)) return range;
  fields.problem("cidr", `${show(text)} ${problem}.`);
  return undefined;
}

function rangeProblem(range: Cidr, text: string): string | undefined {
  if (range.family === "ipv6")
    return "is an IPv6 network; give the IPv4 one that the nodes' addresses are in";
  if (range.prefix < 16 || range.prefix > 28) return "is not between /16 and /28; AWS allows no other sizes";
  const useless = unusable(text.replace(/\/.*/, ""));
  return useless === undefined ? undefined : `${useless}; use a private network, like 10.20.0.0/16`;
}

function readSubnets(fields: Fields, key: string): readonly ReadSubnet[] {
  return fields.list(key).flatMap((value, index) => {
    const subnet = Fields.of(`${fields.at(key)}[${index}]`, value, fields.report);
    return subnet === undefined ? [] : [readSubnet(subnet)];
  });
}

function readSubnet(fields: Fields): ReadSubnet {
  fields.refuseUnknown(["zone", "cidr", "id"]);
  const zone = fields.required("zone", "name the availability zone, like eu-central-1a");
  const wellFormed = zoneOf(zone) !== undefined;
  if (zone !== "" && !wellFormed) {
    fields.problem("zone", `${show(zone)} is not an availability zone; write it like eu-central-1a.`);
  }
  const range = parseRange(fields, "give the subnet's CIDR, like 10.20.1.0/24");
  return { fields, zone: wellFormed ? zone : "", id: fields.text("id", ""), ...(range && { range }) };
}

/** All in one region, and one of a kind in each zone: endpoints and load balancers accept no second one. */
function checkZones(...kinds: readonly (readonly ReadSubnet[])[]): void {
  const regionOf = (zone: string) => zoneOf(zone)?.region;
  const first = kinds.flat().find(({ zone }) => zone !== "")?.zone ?? "";
  for (const subnets of kinds) {
    for (const { fields, zone } of subnets.filter((subnet) => subnet.zone !== "")) {
      const other = subnets.find((subnet) => subnet.zone === zone);
      if (regionOf(zone) !== regionOf(first)) {
        fields.problem("zone", `${zone} is not in the region of ${first}; a VPC is in one region.`);
      } else if (other !== undefined && other.fields !== fields) {
        fields.problem(
          "zone",
          `${zone} is already used by ${other.fields.path}; give one subnet for each zone.`,
        );
      }
    }
  }
}

function checkRanges(subnets: readonly ReadSubnet[], vpc: Cidr | undefined): void {
  subnets.forEach(({ fields, range }, index) => {
    if (range === undefined) return;
    if (vpc !== undefined && !holds(vpc, range)) {
      fields.problem("cidr", `${range.text} is outside ${vpc.text} (aws.vpc.cidr); use a part of it.`);
    }
    const other = subnets.slice(0, index).find((one) => one.range !== undefined && overlap(one.range, range));
    if (other?.range === undefined) return;
    fields.problem(
      "cidr",
      `${range.text} overlaps ${other.range.text} of ${other.fields.path}; use another part of the VPC.`,
    );
  });
}

/** Public subnets are only for the NAT gateways, so there are as many of them. */
function parseNat(
  vpc: Fields,
  subnets: readonly ReadSubnet[],
  publicSubnets: readonly ReadSubnet[],
): OwnVpc["nat"] {
  const nat = vpc.choice("nat", "none", ["none", "one", "per-zone"]);
  const given = publicSubnets.map(({ zone }) => zone);
  const wanted: readonly string[] = {
    none: [],
    one: given.slice(0, 1),
    // a zone at another place goes through a gateway of the region's own
    "per-zone": subnets.map(({ zone }) => zone).filter((zone) => zone === "" || isRegional(zone)),
  }[nat];
  const bare = wanted.filter((zone) => zone !== "" && !given.includes(zone));
  const idle = publicSubnets.filter(({ zone }) => zone !== "" && !wanted.includes(zone));
  if (nat === "one" && given.length === 0) {
    vpc.problem("publicSubnets", "none is listed; nat: one needs one, for its gateway.");
  }
  if (bare.length > 0) {
    const zones = bare.join(" or ");
    vpc.problem("publicSubnets", `none is in ${zones}; nat: per-zone needs one in each zone of aws.subnets.`);
  }
  for (const { fields } of idle) {
    fields.problem(
      "zone",
      `with nat: ${nat} no gateway would be in this subnet; leave it out, or change nat.`,
    );
  }
  return nat;
}

function parseEndpoints(vpc: Fields): readonly Endpoint[] {
  const wanted = vpc.texts("endpoints", []);
  wanted.forEach((name, index) => {
    if (endpoints.some((one) => one === name)) return;
    const help = didYouMean(name, endpoints) || `; choose from ${endpoints.join(", ")}`;
    vpc.problem(`endpoints[${index}]`, `${show(name)} is not an endpoint that can be created here${help}.`);
  });
  return endpoints.filter((name) => wanted.includes(name));
}
