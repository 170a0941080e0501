# The quorum proof: asked of etcd's own API before anything that takes a member away for a moment.

MAX_LAG=1000 # raft log entries between the most and the least advanced voter

# Fills $work/members, $work/status and $work/health from whoever answers.
look_at_cluster() {
  list_members >"$work/members" || return 1
  all=$(cut -d'|' -f4 "$work/members" | sed '/^$/d' | paste -s -d, -)
  ctl --endpoints="$all" endpoint status -w fields 2>"$work/status.log" | status_rows >"$work/status"
  ctl --endpoints="$all" endpoint health >"$work/health" 2>&1 || :
}
# Where the members were, for a time without etcd here.
remember_endpoints() { printf '%s\n' "$all" | write_file "$STATE_DIR/endpoints" 600 root:root; }
list_members() {
  ctl --endpoints=https://127.0.0.1:2379 member list -w fields 2>/dev/null | member_rows >"$work/listed"
  [ -s "$work/listed" ] || ctl --endpoints="$(known_endpoints)" member list -w fields 2>"$work/list.log" | member_rows >"$work/listed"
  [ -s "$work/listed" ] && cat "$work/listed"
}
# The other members: where they were last seen, and where the first start was told they are.
known_endpoints() {
  {
    tr ',' '\n' <"$STATE_DIR/endpoints" 2>/dev/null || :
    printf '%s\n' "$initial_cluster" | tr ',' '\n' | sed 's/^[^=]*=//; s/:2380$/:2379/'
  } | sed '/^$/d' | sort -u | paste -s -d, -
}

voters() { awk -F'|' '$5 != "true"' "$work/members"; }
my_id() { awk -F'|' -v name="$name" '$2 == name { print $1 }' "$work/members"; }
# Does it answer a linearizable read? With an alarm etcdctl says "unhealthy" of everybody; alarms are judged by themselves.
# A member that has never started has no URL.
is_healthy() { # CLIENT-URL
  [ -n "$1" ] && grep -F "$1 is " "$work/health" | grep -q -e ' is healthy' -e 'Active Alarm(s)'
}
quorum_of() { echo $(($1 / 2 + 1)); }
healthy_others() { # names
  voters | while IFS='|' read -r _ voter _ clients _; do
    [ "$voter" = "$name" ] || ! is_healthy "${clients%%,*}" || echo "$voter"
  done
}
unhealthy_others() {
  voters | while IFS='|' read -r _ voter _ clients _; do
    [ "$voter" = "$name" ] || is_healthy "${clients%%,*}" || echo "${voter:-(never started)}"
  done
}

# May this member stop for a moment? Refuses with who stands in the way; the others are untouched.
prove_restart() {
  look_at_cluster || refuse "no member answers, so it cannot be proven that $name may restart; see 'etcd-host status' on the hosts, start what is stopped, then run again"
  [ -n "$(my_id)" ] || refuse "$name is not in the member list; run 'etcd-host ctl member list' on this host"
  prove_no_alarm
  count=$(voters | wc -l)
  others=$(healthy_others | wc -l)
  case $count in
    1) note "$name is the only member: its restart is an outage of a few seconds"; return ;;
    2) allowed two-node-restart || refuse "of two members none may restart without stopping writes; add a third one, or allow it by etcd:allow: [two-node-restart]" ;;
    *) [ "$others" -ge "$(quorum_of "$count")" ] ||
      refuse "$name may not restart: of the other $((count - 1)) voters $others healthy, $(quorum_of "$count") needed; not healthy: $(unhealthy_others | paste -s -d' ' -). Look there ('etcd-host status'; is the host on?) and repair it first; if this very change repairs it, name it first in etcd:rolloutOrder" ;;
  esac
  prove_agreement
}
prove_agreement() {
  [ "$(cut -d'|' -f4 "$work/status" | sort -u | wc -l)" = 1 ] || refuse "the members do not agree on a leader; run again when they do"
  [ "$(cut -d'|' -f8 "$work/status" | sort -u | wc -l)" = 1 ] || refuse "the members are of different clusters"
  lag=$(awk -F'|' 'NR == 1 || $6 > max { max = $6 } NR == 1 || $6 < min { min = $6 } END { print max - min }' "$work/status")
  [ "$lag" -le "$MAX_LAG" ] || refuse "a member is $lag log entries behind; run again when it has caught up"
}
prove_no_alarm() {
  alarms=$(ctl --endpoints="$all" alarm list 2>/dev/null | sed 's/.*alarm://; s/ *$//' | sort -u | paste -s -d' ' -)
  [ -z "$alarms" ] || { [ "$alarms" = NOSPACE ] && allowed nospace-alarm; } ||
    refuse "the alarm $alarms is raised; clear its cause, then 'etcd-host ctl alarm disarm'"
}
allowed() { case " $allow " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# Leadership first goes to the voter that started last: one that was rolled already keeps it.
move_leadership_away() {
  me=$(my_id)
  [ "$(cut -d'|' -f4 "$work/status" | head -n 1)" = "$me" ] || return 0
  target=$(newest_other)
  [ -n "$target" ] || return 0
  ctl --endpoints="$(client_url_of "$me")" move-leader "$(hex_id "$target")" >/dev/null 2>"$work/move.log" ||
    note "leadership could not be moved first: $(head -n 1 "$work/move.log"); etcd moves it as it stops"
}
client_url_of() { awk -F'|' -v id="$1" '$1 == id { split($4, urls, ","); print urls[1] }' "$work/members"; }
newest_other() { # member id
  voters | while IFS='|' read -r id voter _ clients _; do
    url=${clients%%,*}
    if [ "$voter" != "$name" ] && is_healthy "$url"; then
      fetch_from client "${url#https://}" "$work/metrics" 'GET /metrics HTTP/1.0\r\n\r\n'
      echo "$(awk '$1 == "process_start_time_seconds" { printf "%.0f", $2 }' "$work/metrics") $id"
    fi
  done | sort -n | awk 'END { print $2 }'
}

# One restart at a time in the whole cluster: a script whose connection was cut may still be at work on another host.
# etcdctl keeps the lock's lease alive and gives it up when this run ends, however it ends.
take_cluster_lock() {
  if [ -n "$alarms" ]; then
    note "the alarm $alarms lets nothing be written, not even the cluster's lock: no other run may be at work"
    return
  fi
  # not through this member: etcd waits for its streams as it stops, 7 s long
  others_urls=$(printf '%s\n' "$all" | tr ',' '\n' | grep -vxF "$(client_url_of "$(my_id)")" | paste -s -d, -)
  # shellcheck disable=SC2016 # for the shell that etcdctl starts: it holds the lock while this run lives and has the key
  become_ctl --endpoints="$others_urls" --command-timeout=0s lock --ttl=15 etcd-host/restart -- \
    sh -c 'echo "$ETCD_LOCK_KEY" >"$1.new" && mv "$1.new" "$1" && while kill -0 "$2" 2>/dev/null && [ -e "$1" ]; do sleep 0.2; done' \
    hold "$work/lock-key" "$$" >/dev/null 2>"$work/lock.log" 9>&- &
  lock_pid=$!
  deadline=$(($(date +%s) + LOCK_SECONDS))
  until [ -s "$work/lock-key" ]; do
    kill -0 "$lock_pid" 2>/dev/null || fail "the cluster's lock cannot be taken: $(head -n 1 "$work/lock.log")"
    [ "$(date +%s)" -lt "$deadline" ] || { kill "$lock_pid"; note "another host restarts its member; run again when it has ended"; exit 4; }
    sleep 0.1
  done
}
holds_cluster_lock() { [ -n "$alarms" ] || [ -n "$(ctl --endpoints="$all" get "$(cat "$work/lock-key")" --keys-only 2>/dev/null)" ]; }
drop_cluster_lock() {
  [ -s "$work/lock-key" ] || return 0
  rm -f "$work/lock-key"
  wait "$lock_pid" 2>/dev/null || :
}
