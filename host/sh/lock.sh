# The lock of the whole cluster, in etcd itself: one restart, join or removal at a time. A script whose connection was
# cut may still be at work on another host.

# etcdctl keeps the lock's lease alive and gives it up when this run ends, however it ends. Nothing is done without it, but
# where an alarm that the proof allows keeps etcd from writing even a lock.
without_lock=''
lock_name=etcd-host/restart
goes_alone='' # who has to go on even if the lock is never free, and can do so
take_cluster_lock() { # ENDPOINTS
  if has_cluster_lock || [ -n "$without_lock" ]; then return; fi
  if [ -n "$alarms" ]; then
    without_lock=$alarms
    note "the alarm $alarms blocks all writes, even the cluster's lock: make sure that no other run is active"
    return
  fi
  lock_endpoints=$1
  hold_lock
  deadline=$(($(date +%s) + LOCK_SECONDS))
  until [ -s "$work/lock-key" ]; do
    kill -0 "$lock_pid" 2>/dev/null || lock_again
    [ "$(date +%s)" -lt "$deadline" ] || { end_without_lock; return; }
    sleep 0.1
  done
}
end_without_lock() {
  kill "$lock_pid"
  [ -z "$by_rule" ] || rest "$name: another host has its turn, so this one comes later"
  [ -z "$goes_alone" ] || { note "another host holds the cluster's lock for too long: this one goes on alone"; return 0; }
  note "another host holds the cluster's lock; run again when it is free"
  exit 4
}
hold_lock() {
  # shellcheck disable=SC2016 # for the shell that etcdctl starts: it holds the lock while this run lives and has the key
  become_ctl --endpoints="$lock_endpoints" --command-timeout=0s lock --ttl=15 "$lock_name" -- \
    sh -c 'echo "$ETCD_LOCK_KEY" >"$1.new" && mv "$1.new" "$1" && while kill -0 "$2" 2>/dev/null && [ -e "$1" ]; do sleep 0.2; done' \
    hold "$work/lock-key" "$$" >/dev/null 2>"$work/lock.log" 9>&- &
  lock_pid=$!
}
lock_again() { # whoever holds it may be restarting the very member that was asked for it
  grep -q -e 'code = Unavailable' -e 'leader changed' -e 'timed out' "$work/lock.log" ||
    fail "the cluster's lock cannot be taken: $(plain_answer <"$work/lock.log")"
  hold_lock
}
has_cluster_lock() { [ -s "$work/lock-key" ]; }
need_cluster_lock() { # asked again just before a step: after its lease ran out the lock may be another run's
  [ -z "$without_lock" ] || return 0
  has_cluster_lock || fail "the cluster's lock is not held; nothing more was changed, run again"
  ctl --endpoints="$(healthy_urls_but none)" get "$(cat "$work/lock-key")" --keys-only >"$work/lock-held" 2>"$work/lock-held.log" ||
    fail "the cluster does not say whether its lock is still held: $(plain_answer <"$work/lock-held.log"); nothing more was changed, run again"
  [ -s "$work/lock-held" ] || fail "the cluster's lock was lost; nothing more was changed, run again"
}
drop_cluster_lock() {
  has_cluster_lock || return 0
  rm -f "$work/lock-key"
  wait "$lock_pid" 2>/dev/null || :
}
