/** Certificates whose end comes while a test waits for it. It needs the stand-in of the tls provider. */

import { setTimeout as delay } from "node:timers/promises";
import { labEnv, onHost } from "./lab.ts";

export interface Ends {
  /** Seconds from the moment in which each is made. @default as declared */
  readonly leafs?: number;
  readonly cas?: number;
}

/** What is made meanwhile ends so soon. */
export async function endAfter<T>({ leafs, cas }: Ends, work: () => Promise<T>): Promise<T> {
  if (leafs !== undefined) labEnv.LAB_LEAFS_END_IN_S = String(leafs);
  if (cas !== undefined) labEnv.LAB_CAS_END_IN_S = String(cas);
  try {
    return await work();
  } finally {
    delete labEnv.LAB_LEAFS_END_IN_S;
    delete labEnv.LAB_CAS_END_IN_S;
  }
}

/** Waits until a certificate on host N has ended: by the clock that all hosts and this process share. */
export async function untilEnd(n: number, certificate: string): Promise<void> {
  const end = await onHost(
    n,
    `openssl x509 -noout -enddate -in /etc/etcd/pki/${certificate}.crt | cut -d= -f2`,
  );
  await delay(Math.max(0, Date.parse(end) + 1000 - Date.now()));
}
