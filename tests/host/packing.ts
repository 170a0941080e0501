// What packed snapshots need of a host: an etcdutl that reads them, and age where they are encrypted.
import type { Host } from "./host.ts";

/** Says the revision and the format of what it reads; REVISION and FORMAT are files in answers, if a test wants others. */
const ETCDUTL = `#!/bin/sh
[ "$1 $2 $4 $5" = 'snapshot status -w fields' ] && [ -s "$3" ] || exit 1
cd "$HOST_ROOT/answers" 2>/dev/null || :
[ ! -e unreadable ] || { echo 'Error: snapshot file integrity check failed'; exit 1; }
printf '"Hash" : 4711\\n"Revision" : %s\\n"Keys" : 12\\n"Size" : 20480\\n' "$(cat revision 2>/dev/null || echo 123456)"
[ -e without-format ] || echo '"Version" : 3.6.0'
`;

/** An age that turns bytes into text and back: with the recipient it was given, and its key that says so. */
const AGE = `
while [ $# -gt 0 ]; do
  case $1 in
    --recipient) to="\${to:-} $2"; shift ;;
    --output) out=$2; shift ;;
    --identity) key=$(cat "$2"); shift ;;
    --decrypt) decrypt=yes ;;
    *) in=$1 ;;
  esac
  shift
done
if [ -n "\${decrypt:-}" ]; then
  sed -n 2p "$in" | grep -q " $key" || { echo 'age: error: no identity matched any of the recipients' >&2; exit 1; }
  sed 1,2d "$in" | base64 -d
else
  { echo age-encryption.org/v1; echo "->$to"; base64; } >"$out"
fi`;

export function withEtcdutl(host: Host): void {
  host.binary("etcdutl", ETCDUTL);
  host.link();
}
export function withAge(host: Host): void {
  host.fake("age", AGE);
}
