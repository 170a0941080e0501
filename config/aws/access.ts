/** The setting `aws.access`: who may reach which of the members' ports. */

import { parseCidr } from "../cidr.ts";
import { type Fields, show } from "../value.ts";
import type { AwsConfig } from "./model.ts";
import { isId } from "./network.ts";
import type { OtherSettings } from "./other-settings.ts";

export function parseAccess(aws: Fields, other: OtherSettings): AwsConfig["access"] {
  const access = aws.object("access");
  access.refuseUnknown(["clients", "ssh", "metrics"]);
  const parsed = {
    clients: parseSources(access, "clients"),
    ssh: parseSources(access, "ssh"),
    metrics: parseSources(access, "metrics"),
  };
  if (access.list("clients").length === 0) {
    access.report.warning(
      access.at("clients"),
      "is empty, so only the members themselves can reach port 2379.",
    );
  }
  if (access.list("ssh").length === 0) warnOfClosedSsh(access, other.nodes);
  if (parsed.metrics.length > 0 && /\/\/(127\.|\[::1\])/.test(other.settings.metricsUrl)) {
    access.problem(
      "metrics",
      "there is nothing to reach, since metricsUrl serves only the host itself; set metricsUrl to http://0.0.0.0:2381, or leave this out.",
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
    const problem = "is not a security group id; write it like sg-0abcdef1234567890";
    return isId(text, "sg") ? { text } : { problem };
  }
  const range = parseCidr(text);
  if ("problem" in range) return range;
  if (range.prefix > 0) return { text: range.text };
  return { problem: "is the whole world; list the networks or security groups that need access" };
}

/** A port forwarded by Session Manager ends on the instance itself, so it needs no rule. */
function warnOfClosedSsh(access: Fields, nodes: OtherSettings["nodes"]): void {
  const dialled = nodes.filter(({ address, sshAddress }) => address !== "" && sshAddress === address);
  if (dialled.length === 0) return;
  access.report.warning(
    access.at("ssh"),
    `is empty, but ssh dials ${dialled.map(({ name }) => name).join(", ")} at port 22; list the networks that it comes from (with a bastion, the bastion's), or give each node the sshAddress and sshPort of a port forwarded by Session Manager.`,
  );
}
