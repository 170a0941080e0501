// What to do next, after the hosts have compared themselves with what is declared.
import { quorum } from "../../etcd/quorum.ts";

export interface Verified {
  readonly name: string;
  readonly address: string;
  readonly result: "as declared" | "differs" | "unknown";
  /** What differs, or why it is not known. */
  readonly differences: readonly string[];
}

/** As `etcd-host verify` says it. */
const STOPPED = /^etcd\.service is (inactive|failed)/;
const WITHOUT_DATA = / holds no WAL$/;

export function adviceFor(hosts: readonly Verified[]): string {
  if (hosts.every(({ result }) => result === "as declared")) return "Every host is as declared.";
  const differing = hosts.filter(({ result }) => result === "differs");
  if (differing.length === 0)
    return "Not every host could be asked: see above, then run it again. On EC2, if an instance is gone: pulumi up --refresh.";
  const empty = differing.filter((host) => says(host, WITHOUT_DATA));
  const others = differing.filter((host) => !empty.includes(host));
  return [
    empty.length > 0 ? replaceAdvice(empty, hosts.length) : "",
    others.length > 0 ? repairAdvice(others) : "",
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}

/** A member without its data may not start: an empty voter could lose writes that it had acknowledged. */
function replaceAdvice(empty: readonly Verified[], all: number): string {
  const gone = `The data of ${names(empty)} is gone`;
  if (all - empty.length < quorum(all))
    return `${gone}, and so is the quorum: put it back, or restore a snapshot into a new cluster (docs/operations.md, Repair).`;
  const [incarnations, members] =
    empty.length === 1 ? ["its incarnation", "the member"] : ["their incarnations", "the members"];
  return `${gone}: put it back, or raise ${incarnations} and run pulumi up, which replaces ${members}.`;
}

/** No member restarts while another is stopped, so the stopped one must come first. */
function repairAdvice(differing: readonly Verified[]): string {
  const stopped = differing.filter((host) => says(host, STOPPED));
  const order =
    stopped.length > 0 && differing.length > stopped.length
      ? ` Start the stopped ones first: rolloutOrder: [${names(stopped)}].`
      : "";
  return `Raise checkId and run pulumi up: it restores what differs, and restarts only what it must.${order}`;
}

function says({ differences }: Verified, what: RegExp): boolean {
  return differences.some((line) => what.test(line));
}

function names(hosts: readonly Verified[]): string {
  return hosts.map(({ name }) => name).join(", ");
}
