/** A store for the lab's hosts: moto's S3 in their network, which refuses whatever is not signed with the one key it gave. */

import { installMoto, type Moto, startMoto } from "../../lab/backends/moto.ts";
import { labCommand } from "../../lab/describe.ts";
import { labEnv, must, run } from "./lab.ts";

const REGION = "us-east-1";
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}';

export class LabStore {
  readonly accessKey: string;
  readonly #moto: Moto;

  private constructor(moto: Moto, accessKey: string) {
    this.#moto = moto;
    this.accessKey = accessKey;
  }

  static async start(): Promise<LabStore> {
    await installMoto();
    const host = `${labEnv.LAB_NET ?? "192.168.1"}.1`;
    const moto = await startMoto({ within: [labCommand, "exec"], host, unsigned: 3, env: labEnv });
    return await LabStore.#withBucket(moto).catch((error: unknown) => {
      moto.stop();
      throw error;
    });
  }

  static async #withBucket(moto: Moto): Promise<LabStore> {
    const iam = async (action: string, ...fields: readonly string[]) =>
      curl(
        moto.url,
        "--header",
        `Authorization: AWS4-HMAC-SHA256 Credential=none/20260101/${REGION}/iam/aws4_request, SignedHeaders=host, Signature=none`,
        ...[`Action=${action}`, "Version=2010-05-08", "UserName=hosts", ...fields].flatMap((field) => [
          "--data-urlencode",
          field,
        ]),
      );
    await iam("CreateUser");
    const made = await iam("CreateAccessKey");
    await iam("PutUserPolicy", "PolicyName=store", `PolicyDocument=${POLICY}`);
    const part = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(made)?.[1] ?? "";
    const store = new LabStore(moto, `${part("AccessKeyId")}:${part("SecretAccessKey")}`);
    await store.#ask("/backups", "--request", "PUT");
    return store;
  }

  /** As the stack file has it. */
  get settings(): Readonly<Record<string, string>> {
    return { bucket: "backups", region: REGION, endpoint: this.#moto.url };
  }

  /** All keys in the bucket. */
  async keys(): Promise<readonly string[]> {
    const listed = await this.#ask("/backups?list-type=2");
    return [...listed.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = ""]) => key);
  }

  /** An object, into a file on this machine. */
  async get(key: string, file: string): Promise<void> {
    await this.#ask(`/backups/${key}`, "--output", file);
  }

  stop(): void {
    this.#moto.stop();
  }

  #ask(path: string, ...more: readonly string[]): Promise<string> {
    return curl(
      `${this.#moto.url}${path}`,
      ...["--aws-sigv4", `aws:amz:${REGION}:s3`, "--user", this.accessKey],
      ...["--header", `x-amz-content-sha256: ${EMPTY}`, ...more],
    );
  }
}

async function curl(url: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await must(
    run(labCommand, ["exec", "curl", "--silent", "--show-error", "--fail", ...args, url]),
  );
  return stdout;
}
