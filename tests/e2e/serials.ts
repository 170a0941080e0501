/** The serial numbers of hosts' server certificates, which differ once they are renewed. */

import assert from "node:assert/strict";
import { onHost } from "./lab.ts";

export function serialNumbers(hosts: readonly number[]): Promise<readonly string[]> {
  return Promise.all(hosts.map((n) => onHost(n, "openssl x509 -noout -serial -in /etc/etcd/pki/server.crt")));
}

export function assertAllDiffer(now: readonly string[], then: readonly string[]): void {
  for (const [index, serial] of now.entries())
    assert.notEqual(serial, then[index], `certificate ${index + 1} of ${now.length}`);
}
