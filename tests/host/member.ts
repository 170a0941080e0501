// A host that is ready for its member's first start, and an etcd that only pretends.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import type { TestContext } from "node:test";
import { ETCD_ID, Host, type Result } from "./host.ts";
import { VERSION } from "./mirror.ts";
import { type Pki, placePki } from "./pki.ts";

/** For the member step certificates are files with digests. */
export const FILES: Pki = {
  "client-ca.crt": "the client CA\n",
  "peer-ca.crt": "the peer CA\n",
  "server.crt": "server\n",
  "server.key": "server key\n",
  "peer.crt": "peer\n",
  "peer.key": "peer key\n",
  "operator.crt": "operator\n",
  "operator.key": "operator key\n",
};
export const UNIT = "[Service]\nExecStart=/opt/etcd/3.6.14/etcd --name=node1\n";
export const PEER_URL = "https://192.0.2.11:2380";
/** The other founder, which has not started: nothing listens there. */
export const OTHER_URL = "https://127.0.0.1:1";
export const DATA = "var/lib/etcd";

/** What the pretended etcd does at its start. systemd's own condition of the unit comes first: a WAL or the permit. */
const ASSERTION = `
wal=$HOST_ROOT/${DATA}/member/wal
if ! [ -d "$wal" ] && ! [ -e "$HOST_ROOT/run/etcd-host/bootstrap" ]; then set_state inactive dead 0; exit 0; fi
`;
export const COMES_UP = `${ASSERTION}
mkdir -p "$wal" && : >"$wal/0.wal"
printf '   1: 0100007F:%s 00000000:0000 0A\n' 094D 094B >"$HOST_ROOT/proc/net/tcp"
set_state activating start 4711
`;

export function readyHost(t: TestContext, pki = FILES): Host {
  const host = Host.create(t);
  host.write("var/lib/etcd-host/mark", `name=node1\nincarnation=0\ndata_dir=${host.file(DATA)}\n`, 0o600);
  for (const binary of ["etcd", "etcdctl", "etcdutl"]) host.binary(binary, `#!/bin/sh\necho ${binary}\n`);
  host.write(`opt/etcd/${VERSION}/.sha256`, "0123\n");
  placePki(host, pki);
  // who has no certificate to ask with meets peers that have not started
  if (pki === FILES)
    host.fake(
      "openssl",
      `case "$*" in *-startdate*) exec date -u '+notBefore=%b %e %T %Y GMT' ;; dgst*) exec /usr/bin/openssl "$@" ;; esac\necho 'connect: Connection refused' >&2; exit 1`,
    );
  fs.mkdirSync(host.file(DATA), { mode: 0o700 });
  fs.chownSync(host.file(DATA), ETCD_ID, ETCD_ID);
  host.write("systemd/start", COMES_UP);
  return host;
}

export function memberOptions(host: Host, changed: Readonly<Record<string, string>> = {}): string[] {
  const options = {
    name: "node1",
    incarnation: "0",
    owner: "urn:member",
    "check-id": "0",
    version: VERSION,
    "data-dir": host.file(DATA),
    "metrics-url": "http://127.0.0.1:2381",
    bundles: bundlesDigest(FILES),
    "election-timeout": "1", // an election takes no time
    "peer-url": PEER_URL,
    "initial-state": "new",
    "initial-cluster": `node1=${PEER_URL},node2=${OTHER_URL}`,
    "initial-token": "etcd-1-0a1b2c",
    ...changed,
  };
  return Object.entries(options).map(([option, value]) => `--${option}=${value}`);
}

export function bundlesDigest(pki: Pki): string {
  const bundles = pki["client-ca.crt"] + pki["peer-ca.crt"];
  return createHash("sha256").update(bundles).digest("hex").slice(0, 16);
}

/** The step as Pulumi runs it. */
export function start(
  host: Host,
  changed: Readonly<Record<string, string>> = {},
  unit = UNIT,
): Promise<Result> {
  return host.run(["start", ...memberOptions(host, changed)], { stdin: unit });
}

/** A host whose member was started, is in a quorum, and has told systemd so. */
export async function servingHost(t: TestContext, pki = FILES): Promise<Host> {
  const host = readyHost(t, pki);
  await start(host, { bundles: bundlesDigest(pki) });
  await host.run(["started"]);
  await host.run(["served"]);
  setState(host, "active", "running", 4711);
  host.write("systemd/calls", "");
  return host;
}

export function setState(host: Host, active: string, sub: string, pid: number, job = ""): void {
  host.write("systemd/properties", `ActiveState=${active}\nSubState=${sub}\nMainPID=${pid}\nJob=${job}\n`);
}

/** The step is refused with this sentence: nothing was changed, and nothing asked of systemd. */
export async function isRefused(host: Host, result: () => Promise<Result>, sentence: RegExp): Promise<void> {
  const before = host.snapshot();
  const { code, stderr } = await result();
  assert.equal(code, 3, stderr);
  assert.match(stderr, sentence);
  assert.deepEqual(host.snapshot(), before);
  assert.deepEqual(host.systemdCalls(), []);
}
