# roll: the member step on every later run. Restarts the member if the running process would differ, one member of the
# cluster at a time, and ends when it has caught up.

ROLL_SECONDS=300 # until a restarted member is ready and has caught up; a large db takes its time to open

cmd_roll() { # stdin: the unit
  may_found=no
  read_member_step
  work=$(mktemp -d "$RUN_DIR/.roll-XXXXXX")
  trap 'drop_cluster_lock; rm -rf "$work" "$new_unit"' EXIT
  if ! is_running; then
    start_again "$new_unit"
  elif [ -z "$(differences "$new_unit")" ]; then
    restore_service "$new_unit"
    say "$name runs as declared"
  elif has_served || is_ready; then
    restart_member "$new_unit"
  else
    keep_running "$new_unit"
  fi
  finish_member_step
}

# A stopped member takes no quorum away by starting. With the others up it must catch up before the next one is touched.
start_again() { # UNIT
  start_member "$1"
  if look_at_cluster; then
    wait_until_caught_up
    remember_endpoints
  fi
}

restart_member() { # UNIT
  need_startable
  need_same_bootstrap
  prove_restart
  [ "$(voters | wc -l)" = 1 ] || { take_cluster_lock; prove_restart; }
  version_before=$(cluster_version)
  [ "$(voters | wc -l)" = 1 ] || { move_leadership_away; holds_cluster_lock || fail "the cluster's lock was lost; nothing was restarted, run again"; }
  remember_endpoints
  # what it runs with; the file may have been changed since
  cp "$RUN_DIR/started/unit" "$work/old-unit" 2>/dev/null || cp "$UNIT_FILE" "$work/old-unit"
  begin=$(date +%s)
  install_and_restart "$1"
  wait_until_ready || roll_back
  wait_until_caught_up
  note "restarted $name in $(($(date +%s) - begin)) s"
}
install_and_restart() { # UNIT
  write_bootstrap
  write_file "$UNIT_FILE" 644 root:root <"$1"
  systemctl enable --quiet --no-reload etcd.service
  systemctl daemon-reload
  systemctl reset-failed etcd.service 2>/dev/null || :
  systemctl restart --no-block etcd.service
}

wait_until_ready() { # false: etcd ended before it was ready
  deadline=$(($(date +%s) + ROLL_SECONDS))
  until [ -z "$(unit_property Job)" ] && is_ready; do
    case $(unit_property Job)/$(unit_property ActiveState)/$(unit_property SubState) in
      /failed/* | */*/auto-restart | /inactive/dead) return 1 ;;
    esac
    [ "$(date +%s)" -lt "$deadline" ] || fail "$name is not ready after $ROLL_SECONDS s; see 'journalctl -u etcd' on this host, then run again"
    sleep 0.1
  done
}

# Ended before it was ready: the new settings are at fault. The old ones come back, as long as the cluster has not
# moved to a newer version meanwhile, which the old binary could not read.
roll_back() {
  last_log_lines >"$work/why"
  note "$(cat "$work/why")"
  [ "$(cluster_version)" = "$version_before" ] ||
    fail "etcd ended right after its restart on $name, and the cluster version has changed meanwhile, so the old version cannot come back; etcd's last log lines are above"
  note "etcd ended right after its restart: putting the old settings of $name back"
  install_and_restart "$work/old-unit"
  wait_until_ready || fail "$name starts neither with the new nor with the old settings; etcd's log lines for the new ones are above"
  wait_until_caught_up
  fail "etcd does not start with the new settings on $name, which runs with the old ones again; no other member was touched. Its last log lines are above: correct the configuration, raise checkId, and run again"
}
cluster_version() { # of the others; the member itself may be down
  for url in $(voters | awk -F'|' -v name="$name" '$2 != name { split($4, urls, ","); print urls[1] }'); do
    fetch_from client "${url#https://}" "$work/version" 'GET /version HTTP/1.0\r\n\r\n'
    sed -n 's/.*"etcdcluster":"\([^"]*\)".*/\1/p' "$work/version"
  done | sort -u | tail -n 1
}

# Caught up: healthy (a linearizable read), and past the entry that the leader was at when we asked.
wait_until_caught_up() {
  deadline=$(($(date +%s) + ROLL_SECONDS))
  until answers_here; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "$name is not healthy $ROLL_SECONDS s after its start: $(unhealthy_line "$work/health"); no other member was touched"
    sleep 0.1
  done
  look_at_cluster || fail "the cluster does not answer after the start of $name; no other member was touched"
  goal=$(cut -d'|' -f5 "$work/status" | sort -n | tail -n 1)
  until [ "$(applied_here)" -ge "$goal" ]; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "$name has not caught up after $ROLL_SECONDS s; no other member was touched"
    sleep 0.1
  done
}
answers_here() {
  ctl --endpoints=https://127.0.0.1:2379 endpoint health >"$work/health" 2>&1 || :
  is_healthy https://127.0.0.1:2379
}
applied_here() {
  applied=$(ctl --endpoints=https://127.0.0.1:2379 endpoint status -w fields 2>/dev/null | status_rows | cut -d'|' -f6)
  echo "${applied:-0}"
}
