/** The disks of an instance. Limits are those of gp3, in GiB, IOPS and MiB/s. */

import { type Fields, show } from "../value.ts";
import type { AwsConfig } from "./model.ts";

type Volumes = Pick<AwsConfig, "dataVolume" | "rootVolume" | "kmsKeyId">;

export const gp3 = {
  size: { default: 20, min: 1, max: 65_536 },
  iops: { default: 3000, min: 3000, max: 80_000, perGiB: 500 },
  throughput: { default: 125, min: 125, max: 2000, perIops: 0.25 },
} as const;

const gibibyte = 1024 ** 3;
/** What an image and its logs need on the root disk. */
const systemSize = 8;

export function parseVolumes(aws: Fields, quotaBackendBytes: number): Volumes {
  const kmsKeyId = parseKmsKeyId(aws);
  return {
    dataVolume: parseDataVolume(aws.object("dataVolume"), quotaBackendBytes),
    rootVolume: parseRootVolume(aws.object("rootVolume")),
    ...(kmsKeyId === "" ? {} : { kmsKeyId }),
  };
}

function parseDataVolume(data: Fields, quotaBackendBytes: number): Volumes["dataVolume"] {
  data.refuseUnknown(["size", "iops", "throughput"]);
  const size = data.integer("size", gp3.size.default, gp3.size.min, gp3.size.max);
  const iops = data.integer("iops", gp3.iops.default, gp3.iops.min, gp3.iops.max);
  const throughput = data.integer(
    "throughput",
    gp3.throughput.default,
    gp3.throughput.min,
    gp3.throughput.max,
  );
  const quota = toGiB(quotaBackendBytes);
  const needed = Math.ceil(2 * quota) + 1;
  if (size < needed) {
    data.problem(
      "size",
      `${size} GiB cannot hold a database of ${show(quota)} GiB (quotaBackendBytes), a snapshot of it and its log; use ${needed} or more.`,
    );
  }
  if (iops > gp3.iops.min && iops > size * gp3.iops.perGiB) {
    data.problem(
      "iops",
      `${iops} are more than the ${gp3.iops.perGiB} that gp3 allows for each GiB; use ${Math.max(gp3.iops.min, size * gp3.iops.perGiB)}, or a size of ${Math.ceil(iops / gp3.iops.perGiB)}.`,
    );
  }
  if (throughput > iops * gp3.throughput.perIops) {
    data.problem(
      "throughput",
      `${throughput} MiB/s need ${throughput / gp3.throughput.perIops} iops of gp3; use ${Math.floor(iops * gp3.throughput.perIops)}, or more iops.`,
    );
  }
  return { size, iops, throughput };
}

/** Only the system is on it: the data, and what this program keeps on a host, is on the data volume. */
function parseRootVolume(root: Fields): Volumes["rootVolume"] {
  root.refuseUnknown(["size"]);
  return { size: root.integer("size", gp3.size.default, systemSize, gp3.size.max) };
}

function toGiB(bytes: number): number {
  return Math.round((bytes / gibibyte) * 10) / 10;
}

function parseKmsKeyId(aws: Fields): string {
  const text = aws.text("kmsKeyId", "");
  const example = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  if (/(^|:)alias\//.test(text)) {
    aws.problem(
      "kmsKeyId",
      `${show(text)} is an alias, which can be moved to another key; give the ARN of the key.`,
    );
  } else if (
    text !== "" &&
    !/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/(mrk-)?[0-9a-f-]{32,36}$/.test(text)
  ) {
    aws.problem("kmsKeyId", `${show(text)} is not the ARN of a key; write it like ${example}.`);
  }
  return text;
}
