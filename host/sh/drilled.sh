# drill, within its own network: unpacked, verified, restored, started, asked. Its output is the report's, and "held" its end.

cmd_drill_apart() {
  need name "$name" version "$version" snapshot "$snapshot" sha256 "$sha256"
  need_root
  work=${0%/*}
  [ -s "$work/network" ] || usage "drill-apart is a part of drill, which runs it in a network of its own"
  found=$snapshot snapshot=${snapshot##*/}
  drill_dir=$(snapshots_dir)/.drill
  need_own_network
  age_identity=$work/identity
  began=$(centiseconds)
  unpack_drilled
  say "revision $snapshot_revision"
  say_took unpack "$began"
  began=$(centiseconds)
  restore_drilled
  say_took restore "$began"
  began=$(centiseconds)
  start_drilled
  say_took start "$began"
  ask_drilled
  stop_drilled
  say held
}
# Where systemd cannot make one it goes on without: then this would be the member's own.
need_own_network() {
  here=$(readlink "$PROC/self/ns/net") || here=''
  { [ -n "$here" ] && [ "$here" != "$(cat "$work/network")" ]; } ||
    refuse "systemd on $name makes no network of its own for a drill (PrivateNetwork), and none goes on in the host's; drill on another host"
}

unpack_drilled() { # sets $raw
  problem=''
  case $snapshot in
    *.db)
      raw=$found is=$(digest_of "$found")
      [ "$is" = "$sha256" ] || fail "the snapshot $snapshot does not hold: its sha256 is $is, and was to be $sha256"
      is_whole "$raw" || fail "the snapshot $snapshot is not what a member sent: the sha256 at its end differs"
      read_back "$raw" || fail "the snapshot $snapshot $problem"
      ;;
    *)
      raw=$drill_dir/raw
      unpack_packed "$found" "$sha256" "$raw" || fail "the snapshot $snapshot does not hold: $problem"
      ;;
  esac
  [ "$snapshot_minor" = "$(minor_of "$version")" ] ||
    fail "the snapshot $snapshot is of etcd $snapshot_minor, and here is $version: a restore of it takes a version $snapshot_minor.x"
  need_drill_room "$(mb_of "$raw")"
}
restore_drilled() {
  "$etcdutl" snapshot restore "$raw" --name="$name" --initial-cluster="$name=http://127.0.0.1:2380" --initial-cluster-token=drill \
    --initial-advertise-peer-urls=http://127.0.0.1:2380 --data-dir="$drill_dir/data" --bump-revision="$DRILL_BUMP" --mark-compacted \
    >"$work/restore" 2>&1 || fail "the snapshot $snapshot cannot be restored: $(last_line <"$work/restore")"
}
# With the member's certificates: with etcd's authentication on in the snapshot, nobody else is answered.
start_drilled() {
  restored_by=$(find_verified etcd "$version")
  [ -n "$restored_by" ] || fail "etcd $version on $name is not what was installed from an archive with a declared sha256"
  "$restored_by" --name="$name" --data-dir="$drill_dir/data" --initial-cluster="$name=http://127.0.0.1:2380" --initial-cluster-token=drill \
    --listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 \
    --listen-client-urls=https://127.0.0.1:2379 --advertise-client-urls=https://127.0.0.1:2379 --client-cert-auth=true \
    --cert-file="$ETC_DIR/pki/server.crt" --key-file="$ETC_DIR/pki/server.key" --trusted-ca-file="$ETC_DIR/pki/client-ca.crt" \
    --quota-backend-bytes=$((2 * $(wc -c <"$raw") + 1073741824)) >"$work/etcd.log" 2>&1 </dev/null &
  etcd_pid=$!
  trap 'kill "$etcd_pid" 2>/dev/null || :' EXIT
  deadline=$(($(date +%s) + DRILL_SECONDS + $(mb_of "$raw") / 4))
  until ask_drilled_etcd get etcd-host/drill -w fields; do
    kill -0 "$etcd_pid" 2>/dev/null || fail "what was restored of $snapshot does not start: $(read_log 1 <"$work/etcd.log" | last_line)"
    ! grep -q -e 'permission denied' -e 'user name' "$work/asked.log" ||
      fail "what was restored of $snapshot starts, and answers nobody here: $(plain_answer <"$work/asked.log")"
    [ "$(date +%s)" -lt "$deadline" ] || fail "what was restored of $snapshot does not answer: $(plain_answer <"$work/asked.log")"
    sleep 0.1
  done
}
ask_drilled_etcd() { ctl --endpoints=https://127.0.0.1:2379 "$@" >"$work/asked" 2>"$work/asked.log"; }
# A large database takes its time to be counted and hashed.
ask_long() { # WHAT ARGUMENT...
  what=$1
  shift
  ask_drilled_etcd --command-timeout="${DRILL_SECONDS}s" "$@" || fail "what was restored of $snapshot starts, and $what: $(plain_answer <"$work/asked.log")"
}
ask_drilled() {
  is=$(sed -n 's/^"Revision" : //p' "$work/asked")
  [ "${is:-0}" -ge $((snapshot_revision + DRILL_BUMP)) ] ||
    fail "what was restored of $snapshot is at revision ${is:-0}, and was to be at $((snapshot_revision + DRILL_BUMP))"
  ask_long "does not count its keys" get --prefix '' --count-only -w fields
  say "keys $(sed -n 's/^"Count" : //p' "$work/asked")"
  say "bytes $(wc -c <"$raw")"
  ask_long "does not read all of them" endpoint hashkv -w fields
  say "hash $(sed -n 's/^"Hash" : //p' "$work/asked")"
  ask_long "takes no write" put etcd-host/drill "$is"
  ask_long "reads no key" get etcd-host/drill --print-value-only
  [ "$(cat "$work/asked")" = "$is" ] || fail "what was restored of $snapshot does not read a key as it was written"
}
stop_drilled() {
  kill "$etcd_pid"
  wait "$etcd_pid" 2>/dev/null || :
  trap - EXIT
}
