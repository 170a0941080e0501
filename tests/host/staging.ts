// A serving member, a snapshot on its host, and an etcdutl that lays out what it is given.
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { FAKES, type Host, type Result } from "./host.ts";
import { DATA, memberOptions, PEER_URL, servingHost, UNIT } from "./member.ts";
import { sent } from "./sent.ts";

export const TOKEN = "etcd-1-89abcdef";
export const SNAPSHOT = "etcd-3.6-20261127T060000Z-node1.db";
export const STAGED = `${DATA}.staged-${TOKEN}`;
const content = sent();
export const sha256 = createHash("sha256").update(content).digest("hex");

const ETCDUTL = `#!/bin/sh
echo "$*" >>"$HOST_ROOT/etcdutl-calls"
case $* in
  'snapshot status '*' -w fields')
    printf '"Hash" : 4711\\n"Revision" : 63\\n"Keys" : 12\\n"Size" : 20480\\n"Version" : %s\\n' "$(cat "$HOST_ROOT/format" 2>/dev/null || echo 3.6.0)" ;;
  'snapshot restore '*)
    for word; do case $word in --data-dir=*) to=\${word#*=} ;; esac; done
    mkdir -p "$to/member/wal" "$to/member/snap" && cp "$3" "$to/member/snap/db" && echo restored >"$to/member/wal/restored.wal"
    [ ! -e "$HOST_ROOT/broken" ] || { echo 'Error: no space left on device' >&2; exit 1; } ;;
  defrag*) ;;
  *) exit 1 ;;
esac
`;

export async function stagingHost(t: TestContext): Promise<Host> {
  const host = await servingHost(t);
  host.write(
    "var/lib/etcd-host/mark",
    `name=node1\nincarnation=0\ncluster=etcd-1-0a1b2c\ndata_dir=${host.file(DATA)}\n`,
    0o600,
  );
  host.binary("etcdutl", ETCDUTL);
  host.link();
  host.write(`var/lib/etcd-host/snapshots/${SNAPSHOT}`, content, 0o600);
  host.write("etcdutl-calls", "");
  return host;
}

/** As components/restore.ts calls it. */
export function stage(
  host: Host,
  changed: Readonly<Record<string, string>> = {},
  stdin = "",
): Promise<Result> {
  const options = {
    snapshot: SNAPSHOT,
    sha256,
    "bump-revision": "1000000000",
    "initial-token": TOKEN,
    ...changed,
  };
  return host.run(["stage", ...memberOptions(host, options).filter(isOfStage)], { stdin });
}
const isOfStage = (option: string) => !/^--(metrics-url|bundles|initial-state)=/.test(option);

export function halt(host: Host): Promise<Result> {
  return host.run(["halt", ...memberOptions(host, { "initial-token": TOKEN })]);
}

/** The member's own step, which starts it. */
export function rollRestored(host: Host): Promise<Result> {
  return host.run(["roll", ...memberOptions(host, { "initial-token": TOKEN })], { stdin: UNIT });
}

/** From the n-th of these commands on nothing runs any more: the run is killed right before it. */
export function killBefore(host: Host, n: number): void {
  host.write("calls-left", `${n}\n`);
  for (const command of ["mv", "rm", "systemctl", "mkdir"])
    host.fake(
      command,
      `case $1 in show | is-* | --version) exec ${real(command)} "$@" ;; esac
left=$(cat "$HOST_ROOT/calls-left"); left=$((left - 1)); echo "$left" >|"$HOST_ROOT/calls-left"
if [ "$left" = 0 ]; then kill -9 "$PPID" 2>/dev/null; kill -9 $$; fi
exec ${real(command)} "$@"`,
    );
}
const real = (command: string) => (command === "systemctl" ? `"${FAKES}/systemctl"` : `/bin/${command}`);

/** Whether none was killed, since there are not as many. */
export function killNone(host: Host): boolean {
  const left = Number(host.read("calls-left"));
  host.write("calls-left", "1000000\n");
  return left > 0;
}
export { PEER_URL };
