// A host that can drill: a systemd that runs a part of the program apart, and an etcd there that answers what is asked.
import fs from "node:fs";
import type { TestContext } from "node:test";
import type { Host, Result, Surroundings } from "./host.ts";
import { stagingHost } from "./staging.ts";

export const SNAPSHOTS = "var/lib/etcd-host/snapshots";
export const LAST = "var/lib/etcd-host/last-drill";

const SYSTEMD_RUN = `
printf '%s\\n' "$@" >"$HOST_ROOT/apart-with"
network=$HOST_ROOT/proc/self/ns/net
[ -e "$HOST_ROOT/without-networks" ] || ln -sfn 'net:[2]' "$network"
while [ "$1" != sh ]; do shift; done
"$@"
code=$?
ln -sfn 'net:[1]' "$network"
exit "$code"`;

/** As long as it runs there is a file that says with what. */
const ETCD = `#!/bin/sh
printf '%s\\n' "$@" >"$HOST_ROOT/etcd-with"
[ ! -e "$HOST_ROOT/refused-start" ] || { echo '{"level":"fatal","msg":"discovery failed","error":"no space left"}' >&2; exit 1; }
cp "$HOST_ROOT/etcd-with" "$HOST_ROOT/etcd-runs"
trap 'kill $!; rm "$HOST_ROOT/etcd-runs"; exit 0' TERM
/bin/sleep 60 &
wait
`;

const ETCDCTL = `#!/bin/sh
cd "$HOST_ROOT"
while :; do case $1 in --*) shift ;; *) break ;; esac; done
if [ "$(readlink proc/self/ns/net)" = 'net:[1]' ]; then
  [ ! -e silent ] || { echo 'Error: context deadline exceeded' >&2; exit 1; }
  case $* in
    'endpoint status -w fields') printf '"DBSize" : 52428800\\n"Endpoint" : "https://127.0.0.1:2379"\\n' ;;
    'get etcd-host/backup -w fields') printf '"Revision" : 105\\n' ;;
    *) exit 1 ;;
  esac
  exit
fi
[ ! -e no-access ] || { echo 'Error: etcdserver: permission denied' >&2; exit 1; }
[ -e etcd-runs ] || { echo 'Error: connection refused' >&2; exit 1; }
case $* in
  'get etcd-host/drill -w fields') printf '"Revision" : %s\\n' "$(cat revision 2>/dev/null || echo 1000000063)" ;;
  'get --prefix  --count-only -w fields') printf '"Count" : 12\\n' ;;
  'endpoint hashkv -w fields') printf '"Hash" : 4711\\n' ;;
  'put etcd-host/drill '*)
    [ ! -e no-writes ] || { echo 'Error: etcdserver: mvcc: database space exceeded' >&2; exit 1; }
    echo "$3" >written ;;
  'get etcd-host/drill --print-value-only') cat written ;;
  *) exit 1 ;;
esac
`;

export async function drillingHost(t: TestContext): Promise<Host> {
  const host = await stagingHost(t);
  host.binary("etcd", ETCD);
  host.binary("etcdctl", ETCDCTL);
  host.fake("systemd-run", SYSTEMD_RUN);
  host.write("proc/uptime", "4711.00 4000.00\n");
  fs.mkdirSync(host.file("proc/self/ns"), { recursive: true });
  fs.symlinkSync("net:[1]", host.file("proc/self/ns/net"));
  host.write("var/lib/etcd-host/upkeep", "interval=3600\nreserve=1024\nmax_age=10800\n", 0o600);
  return host;
}

/** An hour after the snapshots of these tests were taken. */
const CLOCK_AT = String(Date.parse("2026-11-27T07:00:00Z") / 1000);

export function drill(
  host: Host,
  args: readonly string[] = [],
  { env = {}, ...more }: Surroundings = {},
): Promise<Result> {
  return host.run(["drill", ...args], { env: { CLOCK_AT, ...env }, ...more });
}
