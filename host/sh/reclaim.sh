# What `npm run reclaim` asks and does under the alarm NOSPACE, besides defragmentations: how much of the data is history,
# its compaction, and the end of the alarm with the proof that writes pass again.

COMPACT_SECONDS=600 # and one for each 10 MiB, until this member has removed what was compacted

cmd_history() { # changes nothing
  need_root
  begin_work history
  read_history
  say "history $records $superseded $revision"
}
begin_work() { # FOLDER
  mkdir -p "$RUN_DIR"
  work=$(mktemp -d "$RUN_DIR/.$1-XXXXXX")
  trap 'rm -rf "$work"' EXIT
}
# Fills revision, compacted, records and superseded. Each revision since the last compaction is a record or more, and each
# key of that moment one; what no key shows any more is history.
read_history() {
  read_revisions
  { keys=$(count_keys) && keys_then=$(count_keys --rev="$compacted"); } ||
    fail "etcd does not say how many keys it has: $(plain_answer <"$work/count"); see 'journalctl -u etcd', then run again"
  records=$((keys_then + revision - compacted)) superseded=$((keys_then + revision - compacted - keys))
  [ "$superseded" -gt 0 ] || superseded=0
}
read_revisions() {
  fetch_from client 127.0.0.1:2379 "$work/metrics" 'GET /metrics HTTP/1.0\r\n\r\n'
  revision=$(metric_here etcd_debugging_mvcc_current_revision) compacted=$(metric_here etcd_debugging_mvcc_compact_revision)
  [ -n "$revision" ] || fail "etcd does not answer on this host; see 'journalctl -u etcd', then run again"
  [ "${compacted:--1}" -ge 1 ] || compacted=1 # never: the first revision is of an empty store
}
metric_here() { awk -v name="$1" '$1 == name { printf "%.0f", $2 }' "$work/metrics"; }
count_keys() { # [--rev=REVISION]
  ctl --endpoints=https://127.0.0.1:2379 --command-timeout=60s get --prefix '' --count-only --consistency=s -w fields "$@" \
    >"$work/count" 2>&1 || return 1
  awk '$1 == "\"Count\"" { print $3 }' "$work/count"
}

# Each member removes what was compacted in its own time, and only the one that is asked says when: so each is asked in turn,
# and the next one for one revision more.
compact_here() {
  read_revisions
  goal=$((revision - keep_revisions))
  [ "$goal" -gt "$compacted" ] || goal=$((compacted + 1))
  [ "$goal" -le "$revision" ] || return 0
  ctl --endpoints=https://127.0.0.1:2379 --command-timeout="$((COMPACT_SECONDS + mb / 10))s" compaction --physical "$goal" >"$work/compaction" 2>&1 ||
    fail "etcd has not compacted its history up to revision $goal: $(plain_answer <"$work/compaction"); run again"
  note "compacted the history up to revision $goal"
}

cmd_disarm() { # of NOSPACE alone, and only with room at every member
  need_root
  begin_work disarm
  take_lock
  name=$(mark_value name)
  [ -n "$name" ] || refuse "this host has not been prepared"
  query_cluster || refuse "no member answers; see 'etcd-host status' on the hosts, start what is stopped, then run again"
  allow="$allow nospace-alarm"
  until_proven no_alarm
  if [ "$alarms" = NOSPACE ]; then
    has_room_everywhere || { note "the alarm NOSPACE stays: $NO_ROOM"; exit 5; }
    disarm NOSPACE
  fi
  prove_writes
}
prove_writes() {
  for change in "put etcd-host/probe $name" 'del etcd-host/probe'; do
    # shellcheck disable=SC2086 # words
    ctl --endpoints="$(healthy_urls_but none)" $change >"$work/probe" 2>&1 ||
      fail "writes are still refused: $(plain_answer <"$work/probe"); see 'etcd-host health', then run again"
  done
  say "a key was written and deleted: writes pass"
}
