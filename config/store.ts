/** The store of snapshots: S3, or what speaks as it does. */

import type { AwsConfig } from "./aws/model.ts";
import { type Environment, readFile } from "./environment.ts";
import type { StoreConfig } from "./model.ts";
import { type Fields, show } from "./value.ts";

export const storeKeys = [
  "bucket",
  "prefix",
  "region",
  "endpoint",
  "pathStyle",
  "sse",
  "kmsKeyId",
  "caFile",
  "credentials",
];

const KEY_HINT =
  "a key does not belong here; pulumi config set --secret backupAccessKey < FILE, which has ID:SECRET";

interface Around {
  readonly proxy: string;
  readonly aws: AwsConfig | undefined;
}

export function parseStore(
  top: Fields,
  backup: Fields,
  environment: Environment,
  { proxy, aws }: Around,
): StoreConfig {
  const store = backup.object("store");
  store.refuseUnknown(storeKeys, { accessKey: KEY_HINT, secretKey: KEY_HINT });
  const sse = store.choice("sse", "none", ["none", "AES256", "aws:kms"]);
  const kmsKeyId = store.text("kmsKeyId", "");
  if (kmsKeyId !== "" && sse !== "aws:kms")
    store.problem("kmsKeyId", "is used with sse: aws:kms only; set that, or leave it out.");
  if (!/^[A-Za-z0-9:/_.-]*$/.test(kmsKeyId))
    store.problem("kmsKeyId", `${show(kmsKeyId)} is no id, alias or ARN of a key.`);
  parseAccessKey(top, store);
  refuseUnreachable(store, aws, proxy);
  const caFile = store.text("caFile", "");
  const ca = caFile === "" ? undefined : parseCa(store, caFile, environment);
  return {
    ...parsePlace(store),
    prefix: parsePrefix(store),
    proxy,
    ...(sse === "none" ? {} : { sse }),
    ...(kmsKeyId === "" ? {} : { kmsKeyId }),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** The URL of the bucket itself, as it is asked: reviewers see where the data goes. */
function parsePlace(store: Fields): Pick<StoreConfig, "url" | "region"> {
  const bucket = store.required("bucket", "name the bucket, which has to be there");
  if (bucket !== "" && !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    store.problem("bucket", `${show(bucket)} is not the name of a bucket.`);
  const endpoint = store.text("endpoint", "").replace(/\/+$/, "");
  const region = store.text("region", endpoint === "" ? "" : "us-east-1");
  if (region === "") store.problem("region", "is missing; name the bucket's region, like eu-central-1.");
  else if (!/^[a-z0-9-]+$/.test(region))
    store.problem("region", `${show(region)} is not the name of a region.`);
  const at = endpoint || `https://s3.${region}.amazonaws.com`;
  const [, scheme = "", host = ""] =
    /^(https?:\/\/)([A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)$/.exec(at) ?? [];
  if (host === "")
    store.problem(
      "endpoint",
      `${show(endpoint)} is not the URL of a store; write it like https://s3.example.com.`,
    );
  if (scheme === "http://")
    store.report.warning(store.at("endpoint"), "over http everybody on the way can read the snapshots.");
  const isPath = store.flag("pathStyle", endpoint !== "" || bucket.includes("."));
  return { region, url: isPath ? `${scheme}${host}/${bucket}` : `${scheme}${bucket}.${host}` };
}

/** Its certificates only: what else such a file has, like a key, is nothing for the hosts. */
function parseCa(store: Fields, caFile: string, environment: Environment): string | undefined {
  const content = readFile(store, "caFile", caFile, environment);
  if (content === undefined) return undefined;
  const blocks =
    content.match(/-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) store.problem("caFile", `${show(caFile)} is no certificate in PEM.`);
  return blocks.map((block) => `${block}\n`).join("");
}

function parsePrefix(store: Fields): string {
  const prefix = store.text("prefix", "etcd");
  if (
    !/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(prefix) ||
    prefix.split("/").some((part) => /^\.\.?$/.test(part))
  )
    store.problem(
      "prefix",
      `${show(prefix)} is not a plain path without a slash at its ends; write it like etcd.`,
    );
  return prefix;
}

/** A secret, which a plan does not have: there the program has checked it. */
function parseAccessKey(top: Fields, store: Fields): void {
  store.choice("credentials", "key", ["key"]);
  const key = top.text("backupAccessKey", "");
  if (key === "")
    top.problem(
      "backupAccessKey",
      "is missing, and the store needs it: pulumi config set --secret backupAccessKey < FILE, which has ID:SECRET.",
    );
  else if (!/^[^\s:"\\]+:[^\s"\\]+$/.test(key))
    top.problem("backupAccessKey", "the value is not of the form ID:SECRET.");
}

function refuseUnreachable(store: Fields, aws: AwsConfig | undefined, proxy: string): void {
  const vpc = aws?.vpc;
  if (vpc === undefined || "id" in vpc || vpc.nat !== "none" || vpc.endpoints.includes("s3") || proxy !== "")
    return;
  store.report.problem(
    "backup.store",
    "the hosts have neither NAT nor the S3 endpoint; add s3 to aws.vpc.endpoints.",
  );
}
