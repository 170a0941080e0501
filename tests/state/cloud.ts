// The cloud that tests of state backends store in: one bucket and one key of lab/backends/moto.ts.
import assert from "node:assert/strict";
import { installMoto, startMoto } from "../../lab/backends/moto.ts";

const REGION = "us-east-1"; // elsewhere S3 wants to be told the region again in a body
const BUCKET = "etcd-state";
const VERSIONING = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";

export class Cloud {
  /** What a shell needs to be logged in to it, and nobody's real login. */
  readonly settings: Readonly<Record<string, string>>;
  /** The URL of the bucket, as a backend. */
  readonly backend: string;
  /** The URL of the key, as a secrets provider. */
  readonly secretsProvider: string;
  readonly stop: () => void;
  readonly #url: string;

  private constructor(url: string, keyId: string, stop: () => void) {
    this.#url = url;
    this.stop = stop;
    this.backend = `s3://${BUCKET}?endpoint=${url}&region=${REGION}&s3ForcePathStyle=true`;
    this.secretsProvider = `awskms:///${keyId}?region=${REGION}`;
    this.settings = {
      AWS_ACCESS_KEY_ID: "nobody",
      AWS_SECRET_ACCESS_KEY: "nothing",
      AWS_SESSION_TOKEN: "",
      AWS_PROFILE: "",
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ENDPOINT_URL_KMS: url,
      AWS_RESPONSE_CHECKSUM_VALIDATION: "when_required", // else the CLI warns of each answer without one
      PULUMI_BACKEND_URL: this.backend,
    };
  }

  static async start(): Promise<Cloud> {
    await installMoto();
    const { url, stop } = await startMoto();
    try {
      await put(`${url}/${BUCKET}`, "");
      await put(`${url}/${BUCKET}?versioning`, VERSIONING);
      return new Cloud(url, await createKey(url), stop);
    } catch (error) {
      stop(); // it would keep the test from ending
      throw error;
    }
  }

  /** The names of what lies in the bucket. */
  async names(): Promise<string[]> {
    const list = await text(`${this.#url}/${BUCKET}?list-type=2`);
    return [...list.matchAll(/<Key>([^<]+)<\/Key>/g)].flatMap(([, name]) => name ?? []);
  }

  /** All versions of everything that lies in it: the same answer means that nothing was written. */
  async versions(): Promise<readonly string[]> {
    const list = await text(`${this.#url}/${BUCKET}?versions`);
    return [...list.matchAll(/<VersionId>([^<]+)<\/VersionId>/g)].flatMap(([, version]) => version ?? []);
  }

  /** Everything that lies in the bucket, in one text. */
  async everything(): Promise<string> {
    const texts: string[] = [];
    for (const name of await this.names()) texts.push(await text(`${this.#url}/${BUCKET}/${name}`));
    return texts.join("\n");
  }

  async delete(name: string): Promise<void> {
    await answer(`${this.#url}/${BUCKET}/${name}`, { method: "DELETE" });
  }

  /** What `aws s3api delete-object --version-id MARKER` does: the object is there again as it was. */
  async undelete(name: string): Promise<void> {
    const list = await text(`${this.#url}/${BUCKET}?versions&prefix=${name}`);
    const [marker = ""] = /<DeleteMarker>.*?<\/DeleteMarker>/s.exec(list) ?? [];
    const [, version] = /<VersionId>([^<]+)<\/VersionId>/.exec(marker) ?? [];
    assert.ok(version, `${name} has a delete marker`);
    await answer(`${this.#url}/${BUCKET}/${name}?versionId=${version}`, { method: "DELETE" });
  }
}

async function createKey(url: string): Promise<string> {
  const response = await answer(url, {
    method: "POST",
    body: "{}",
    headers: {
      ...login("kms"),
      "X-Amz-Target": "TrentService.CreateKey",
      "Content-Type": "application/x-amz-json-1.1",
    },
  });
  const [, id] = /"KeyId": *"([^"]+)"/.exec(await response.text()) ?? [];
  assert.ok(id, "KMS made a key");
  return id;
}

/** It checks no signature, but wants to be told who asks for what. */
function login(service: string): Record<string, string> {
  const credential = `Credential=nobody/20260101/${REGION}/${service}/aws4_request`;
  return { Authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=none` };
}

async function put(url: string, body: string): Promise<void> {
  await answer(url, { method: "PUT", body });
}

async function text(url: string): Promise<string> {
  return await (await answer(url)).text();
}

async function answer(url: string, request: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, { headers: login("s3"), ...request });
  assert.ok(response.ok, `${request.method ?? "GET"} ${url}: ${response.status}`);
  return response;
}
