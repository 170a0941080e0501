/** A client with a certificate of its own, as it asks etcd from a host of the lab. */

import assert from "node:assert/strict";
import { lab, onHost } from "./lab.ts";
import type { Project } from "./project.ts";

/** etcdctl as that client, on host N; returns what it printed, or why it failed. */
export async function clientOn(
  project: Project,
  n: number,
  name: string,
): Promise<(...words: readonly string[]) => Promise<string>> {
  const clients = Object(await project.output("clients"));
  const { caCert, cert, key } = Object(clients[name]);
  assert.ok(
    [caCert, cert, key].every((pem) => typeof pem === "string"),
    `there is no client ${name}`,
  );
  const files = { "ca.crt": caCert, "client.crt": cert, "client.key": key };
  const folder = `/root/${name}`;
  await onHost(n, `mkdir -p ${folder}`);
  for (const [file, pem] of Object.entries(files))
    await onHost(n, `cat >${folder}/${file} <<'PEM'\n${pem}\nPEM`);
  const flags = [
    "--endpoints=https://127.0.0.1:2379",
    `--cacert=${folder}/ca.crt`,
    `--cert=${folder}/client.crt`,
    `--key=${folder}/client.key`,
  ];
  return async (...words) => {
    const { code, stdout, stderr } = await lab("enter", String(n), "etcdctl", ...flags, ...words);
    return code === 0 ? stdout.trim() : stderr;
  };
}
