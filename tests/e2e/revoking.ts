/** What a client with a certificate in a folder can do: by curl, in the network of the lab's client. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { labCommand } from "../../lab/describe.ts";
import { labEnv, must, run } from "./lab.ts";

const login = (bundle: string): readonly string[] =>
  Object.entries({ cacert: "ca.crt", cert: "client.crt", key: "client.key" }).flatMap(([option, file]) => [
    `--${option}`,
    join(bundle, file),
  ]);
const base64 = (text: string) => Buffer.from(text).toString("base64");

function curl(bundle: string, ...args: string[]) {
  return run(labCommand, ["exec", "curl", "-sS", "--fail", "--max-time", "20", ...login(bundle), ...args]);
}

/** Of these endpoints those that answer. */
export async function answering(bundle: string, endpoints: readonly string[]): Promise<readonly string[]> {
  const answers = await Promise.all(endpoints.map((endpoint) => curl(bundle, `${endpoint}/version`)));
  return endpoints.filter((_, index) => answers[index]?.code === 0);
}

export async function put(bundle: string, endpoint: string, key: string): Promise<void> {
  const pair = JSON.stringify({ key: base64(key), value: base64("x") });
  await must(curl(bundle, "-d", pair, `${endpoint}/v3/kv/put`));
}

/** A watch that stays open: each call of `next` is another answer, nothing once the member has ended it. */
export async function watch(
  bundle: string,
  endpoint: string,
  key: string,
): Promise<{ next: () => Promise<string | undefined>; end: () => Promise<void> }> {
  const request = JSON.stringify({ create_request: { key: base64(key) } });
  const args = ["exec", "curl", "-sSN", ...login(bundle), "-d", request, `${endpoint}/v3/watch`];
  const child = spawn(labCommand, args, { env: labEnv, stdio: ["ignore", "pipe", "ignore"] });
  const closed = once(child, "close");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { value, done } = await lines.next();
      return done === true ? undefined : String(value);
    },
    end: async () => {
      child.kill();
      await closed;
    },
  };
}
