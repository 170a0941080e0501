/** The setting `aws.access`: from where the ports of the members are reached. */

import { parseCidr } from "../cidr.ts";
import { type Fields, show } from "../value.ts";
import type { AwsConfig } from "./model.ts";
import { isId } from "./network.ts";
import type { AwsSurroundings } from "./surroundings.ts";

export function parseAccess(aws: Fields, around: AwsSurroundings): AwsConfig["access"] {
  const access = aws.object("access");
  access.refuseUnknown(["clients", "ssh", "metrics"]);
  const parsed = {
    clients: parseSources(access, "clients"),
    ssh: parseSources(access, "ssh"),
    metrics: parseSources(access, "metrics"),
  };
  if (access.list("clients").length === 0) {
    access.report.warning(access.at("clients"), "is empty: only the members themselves reach port 2379.");
  }
  if (access.list("ssh").length === 0) warnOfClosedSsh(access, around.nodes);
  if (parsed.metrics.length > 0 && /\/\/(127\.|\[::1\])/.test(around.settings.metricsUrl)) {
    access.problem(
      "metrics",
      "nothing is to be reached, since metricsUrl serves on the host itself only; set metricsUrl to http://0.0.0.0:2381, or leave this out.",
    );
  }
  return parsed;
}

function parseSources(access: Fields, key: string): readonly string[] {
  const found: string[] = [];
  access.texts(key, []).forEach((text, index) => {
    const source = parseSource(text);
    const at = `${key}[${index}]`;
    if ("problem" in source) access.problem(at, `${show(text)} ${source.problem}.`);
    else if (found.includes(source.text))
      access.problem(at, `${source.text} is listed twice; keep one of them.`);
    else found.push(source.text);
  });
  return found;
}

function parseSource(text: string): { text: string } | { problem: string } {
  if (text.startsWith("sg-")) {
    const problem = "is no id of a security group; write it like sg-0abcdef1234567890";
    return isId(text, "sg") ? { text } : { problem };
  }
  const range = parseCidr(text);
  if ("problem" in range) return range;
  if (range.prefix > 0) return { text: range.text };
  return { problem: "is everybody; list the networks or security groups that need it" };
}

/** A forwarded port of Session Manager ends on the instance itself, so it needs no rule. */
function warnOfClosedSsh(access: Fields, nodes: AwsSurroundings["nodes"]): void {
  const dialled = nodes.filter(({ address, sshAddress }) => address !== "" && sshAddress === address);
  if (dialled.length === 0) return;
  access.report.warning(
    access.at("ssh"),
    `is empty, but ssh dials ${dialled.map(({ name }) => name).join(", ")} at port 22; list from where (with a bastion: the bastion), or give each node the sshAddress and sshPort of a port forwarded by Session Manager.`,
  );
}
