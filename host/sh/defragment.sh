# defragment: gives the disk back what deleted keys left in this member's database. It answers nobody meanwhile, so it
# goes the way of a restart: the cluster's lock, the proof that the others are a quorum, leadership elsewhere.

DEFRAGMENT_SECONDS=60   # for etcdctl, and one more for each 10 MiB; the server itself has ten times as long
DEFRAGMENT_SPARE_MB=100 # left free beside the new file, which is written beside the old one

cmd_defragment() {
  begin_defragmentation
  until_proven "$proof"
  if [ -n "$keep_revisions" ]; then compact_here; read_size; fi
  need_disk_for_copy
  take_cluster_lock "$(lock_endpoints)"
  hand_over "$me" can_defragment # a leader that does not answer stops all writes
  need_cluster_lock
  began=$(date +%s)
  defragment_here
  wait_until_caught_up
  seconds=$(($(date +%s) - began)) mb_before=$mb
  read_size
  say "$name: $mb_before MiB before, $mb MiB now, $used_mb MiB of it in use; $seconds s"
}
begin_defragmentation() {
  need_root
  [ -z "$by_rule" ] || need_rule
  name=$(mark_value name) data_dir=$(mark_value data_dir)
  [ -n "$name" ] || refuse "this host has not been prepared"
  mkdir -p "$RUN_DIR"
  work=$(mktemp -d "$RUN_DIR/.defragment-XXXXXX")
  trap 'drop_cluster_lock; rm -rf "$work"' EXIT
  is_running || refuse "etcd does not run on this host, so its database cannot be defragmented; start it (systemctl start etcd), then run again"
  mb=0
  if [ "$(defragmentations_here)" = 1 ]; then wait_for_server; fi # for a run that was killed
  if [ -n "$by_rule" ]; then
    wait_for_turn
    take_lock
    is_my_turn || leave_it_to_others # a moment later, with the lock
    proof=no_alarm # the others' turns are waited for by the cluster's lock: who has his answers nobody
    return
  fi
  take_lock
  proof=can_defragment
  ask_before
  allow="$allow nospace-alarm" # a defragmentation is part of the way out
  accept_outage
}
ask_before() {
  read_size
  query_cluster || refuse "no member answers, so it cannot be proven that $name may be defragmented; see 'etcd-host status' on the hosts, start what is stopped, then run again"
  me=$(my_id)
  if [ -n "$me" ] && is_learner "$me"; then # etcd refuses it
    say "$name is still a learner: it is not defragmented"
    exit 0
  fi
}

# One of two voters, or the only one: the cluster cannot do without it.
accept_outage() {
  case $(voters | wc -l) in
    1) meanwhile="nothing is answered" ;;
    2) meanwhile="nothing is written" ;;
    *) return 0 ;;
  esac
  [ -n "$confirmed" ] || refuse "the cluster cannot do without $name: $meanwhile while it is defragmented; add --yes to do it all the same"
  note "$meanwhile while $name is defragmented"
  allow="$allow two-node-restart"
}
can_defragment() {
  if [ "$(voters | wc -l)" = 1 ]; then no_alarm; else can_restart "be defragmented"; fi || return 1
  [ -z "$by_rule" ] || everybody_is_healthy
}
# Not through this member, which will not answer; the only one has no other.
lock_endpoints() { others=$(healthy_urls_but "$me"); echo "${others:-$(healthy_urls_but none)}"; }
read_size() { # mb used_mb: of the file, and of what is in use in it
  sizes=$(ctl --endpoints=https://127.0.0.1:2379 endpoint status -w fields 2>/dev/null | awk '
    $1 == "\"DBSize\"" { size = $3 } $1 == "\"DBSizeInUse\"" { used = $3 }
    END { if (size != "") print int(size / 1048576), int(used / 1048576) }')
  [ -n "$sizes" ] || fail "etcd does not answer on this host; see 'journalctl -u etcd', then run again"
  mb=${sizes% *} used_mb=${sizes#* }
}
need_disk_for_copy() {
  want=$((used_mb + DEFRAGMENT_SPARE_MB)) free=$(free_mb "$data_dir")
  [ "$free" -ge "$want" ] ||
    refuse "$name may not be defragmented: $free MiB are free for $data_dir, $want needed for the new file; free some, or mount a larger disk there, then run again"
}

# No client that gives up stops the server, and no end of this run: so it is waited for, and the lock kept meanwhile.
defragment_here() {
  trap '' INT TERM
  if ! ctl --endpoints=https://127.0.0.1:2379 --command-timeout="$((DEFRAGMENT_SECONDS + mb / 10))s" defrag >"$work/defrag" 2>&1; then
    wait_for_server
    grep -qi 'deadline' "$work/defrag" || fail "etcd has not defragmented $name: $(plain_answer <"$work/defrag")"
  fi
  trap - INT TERM
}
wait_for_server() {
  note "waiting until etcd has defragmented $name"
  deadline=$(($(date +%s) + 10 * (DEFRAGMENT_SECONDS + mb / 10)))
  until [ "$(defragmentations_here)" = 0 ]; do
    is_running || fail "etcd ended on $name while it was defragmented; see 'journalctl -u etcd' on this host"
    [ "$(date +%s)" -lt "$deadline" ] || fail "etcd still defragments $name, or does not answer; see 'journalctl -u etcd' on this host before any other member is defragmented"
    sleep 0.5
  done
}
defragmentations_here() { # 1 or 0, by etcd's own metric; nothing without an answer
  fetch_from client 127.0.0.1:2379 "$work/metrics" 'GET /metrics HTTP/1.0\r\n\r\n'
  awk '$1 == "etcd_disk_defrag_inflight" { print $2 }' "$work/metrics"
}
