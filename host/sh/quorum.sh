# The quorum proof: asked of etcd's own API before anything that takes a member away, for a moment or for good.

MAX_LAG=1000 # raft log entries between the most and the least advanced voter

# Fills $work/members, $work/status and $work/health from whoever answers.
query_cluster() {
  list_members >"$work/members" || return 1
  all=$(cut -d'|' -f4 "$work/members" | sed '/^$/d' | paste -s -d, -)
  ask_members
}
# Where the members were, for when no etcd runs here.
remember_endpoints() { printf '%s\n' "$all" | write_file "$STATE_DIR/endpoints" 600 root:root; }
list_members() {
  : >"$work/listed"
  if port_taken "$CLIENT_PORT"; then
    ctl --endpoints=https://127.0.0.1:2379 member list -w fields 2>/dev/null | member_rows >"$work/listed"
  fi
  [ -s "$work/listed" ] || ctl --endpoints="$(known_endpoints)" member list -w fields 2>"$work/list.log" | member_rows >"$work/listed"
  [ -s "$work/listed" ] && cat "$work/listed"
}
# The other members: where they were last seen, where the first start was told they are, and those declared.
known_endpoints() {
  {
    if [ -e "$STATE_DIR/endpoints" ]; then tr ',' '\n' <"$STATE_DIR/endpoints"; fi
    printf '%s\n' "$initial_cluster" | tr ',' '\n' | sed 's/^[^=]*=//; s/:2380$/:2379/'
    declared_endpoints | tr ',' '\n'
  } | sed '/^$/d' | sort -u | paste -s -d, -
}
ask_members() { # all at once: one that hangs costs its time-out only once
  rm -f "$work"/status-*
  asking=''
  for url in $(printf '%s' "$all" | tr ',' ' '); do
    ctl --endpoints="$url" endpoint status -w fields >"$work/status-$(printf '%s' "$url" | tr '/:' '__')" 2>/dev/null &
    asking="$asking $!"
  done
  ctl --endpoints="$all" endpoint health >"$work/health" 2>&1 || :
  for pid in $asking; do wait "$pid" || :; done
  cat "$work"/status-* 2>/dev/null | status_rows | sort -u >"$work/status"
}

voters() { awk -F'|' '$5 != "true"' "$work/members"; }
learners() { awk -F'|' '$5 == "true"' "$work/members"; }
# By name; by its peer URL while it has none yet: a learner that has just been added.
my_id() {
  awk -F'|' -v name="$name" -v url="$peer_url" '
    $2 == "" && url != "" && index("," $3 ",", "," url ",") { id = $1 }
    $2 == name && name != "" { named = $1 }
    END { print named == "" ? id : named }' "$work/members"
}
row_of() { awk -F'|' -v id="$1" '$1 == id' "$work/members"; }
name_of() { row_of "$1" | awk -F'|' '{ print $2 == "" ? "the member at " $3 : $2 }'; }
client_url_of() { row_of "$1" | cut -d'|' -f4 | cut -d, -f1; }
is_learner() { [ "$(row_of "$1" | cut -d'|' -f5)" = true ]; }
# Does it answer a linearizable read? With an alarm etcdctl says "unhealthy" of everybody; alarms are checked separately.
# A member that has never started has no URL, and a learner answers no such read.
is_healthy() { # CLIENT-URL
  [ -n "$1" ] && grep -F "$1 is " "$work/health" | grep -q -e ' is healthy' -e 'Active Alarm(s)'
}
quorum_of() { echo $(($1 / 2 + 1)); }
healthy_voters_but() { # ID: "name url" of each healthy voter but that one
  voters | while IFS='|' read -r id voter _ clients _; do
    [ "$id" = "$1" ] || ! is_healthy "${clients%%,*}" || echo "$voter ${clients%%,*}"
  done
}
unhealthy_voters_but() { # ID: names
  voters | while IFS='|' read -r id voter _ clients _; do
    [ "$id" = "$1" ] || is_healthy "${clients%%,*}" || echo "${voter:-(never started)}"
  done | paste -s -d' ' -
}
healthy_urls_but() { healthy_voters_but "$1" | cut -d' ' -f2 | paste -s -d, -; }

# May this member stop for a moment? Refuses with what stands in the way; the others are untouched.
prove_restart() { # [WHAT-ELSE-IT-MAY]
  may=${1:-restart}
  query_cluster || refuse "no member answers, so it cannot be proven that $name may $may; see 'etcd-host status' on the hosts, start what is stopped, then run again"
  me=$(my_id)
  [ -n "$me" ] || refuse "$name is not in the member list; run 'etcd-host ctl member list' on this host"
  prove_no_alarm
  count=$(voters | wc -l)
  others=$(healthy_voters_but "$me" | wc -l)
  if is_learner "$me"; then return; fi # it has no vote to lose
  case $count in
    1) note "$name is the only member: its restart is an outage of a few seconds"; return ;;
    2) allowed two-node-restart || refuse "neither of two members may $may without stopping writes; add a third, or allow it with etcd:allow: [two-node-restart]" ;;
    *) [ "$others" -ge "$(quorum_of "$count")" ] ||
      refuse "$name may not $may: of the other $((count - 1)) voters $others healthy, $(quorum_of "$count") needed; not healthy: $(unhealthy_voters_but "$me"). Check there ('etcd-host status'; is the host on?) and repair it first; if this very change repairs it, put it first in etcd:rolloutOrder" ;;
  esac
  prove_agreement
}
# May this member be taken out? The rest must be a quorum of what is left.
prove_removal() { # ID
  prove_no_alarm
  if is_learner "$1"; then return; fi # it has no vote
  others=$(learners | cut -d'|' -f3 | paste -s -d' ' -)
  [ -z "$others" ] || ! is_healthy "$(client_url_of "$1")" || refuse "the member at $others is still a learner, so $(name_of "$1") may not be removed now; let its host finish the join, or drop it from etcd:nodes, then run again"
  left=$(($(voters | wc -l) - 1))
  rest=$(healthy_voters_but "$1" | wc -l)
  [ "$left" -gt 0 ] || refuse "$(name_of "$1") is the last member; 'pulumi destroy' takes a cluster down"
  [ "$rest" -ge "$(quorum_of "$left")" ] ||
    refuse "$(name_of "$1") may not be removed: of the $left voters left $rest are healthy, $(quorum_of "$left") needed; not healthy: $(unhealthy_voters_but "$1"). Bring it back first; if it is gone for good, only a restore from a snapshot helps (etcdutl snapshot restore)"
  prove_agreement
}
# May this learner become a voter? The cluster it then counts in must have a quorum.
prove_promotion() { # ID
  prove_no_alarm
  next=$(($(voters | wc -l) + 1))
  with=$(($(healthy_voters_but "$1" | wc -l) + 1))
  [ "$with" -ge "$(quorum_of "$next")" ] ||
    refuse "$name may not become a voter: with it $with of $next voters would be healthy, $(quorum_of "$next") needed; not healthy: $(unhealthy_voters_but "$1"). Repair it first, then run again: $name resumes there"
  prove_agreement
}
prove_agreement() {
  healthy_status >"$work/healthy-status"
  [ "$(cut -d'|' -f4 "$work/healthy-status" | sort -u | wc -l)" = 1 ] || refuse "the members do not agree on a leader; run again when they do"
  [ "$(cut -d'|' -f8 "$work/healthy-status" | sort -u | wc -l)" = 1 ] || refuse "the members belong to different clusters"
  lag=$(awk -F'|' 'NR == 1 || $6 > max { max = $6 } NR == 1 || $6 < min { min = $6 } END { print max - min }' "$work/healthy-status")
  [ "$lag" -le "$MAX_LAG" ] || refuse "a member is $lag log entries behind; run again when it has caught up"
}
healthy_status() {
  healthy_voters_but none | while read -r _ url; do awk -F'|' -v url="$url" '$1 == url' "$work/status"; done
}
leader_id() { healthy_status | awk -F'|' 'NR == 1 { print $4 }'; }
prove_no_alarm() {
  alarms=$(ctl --endpoints="$(healthy_urls_but none)" alarm list 2>/dev/null | sed 's/.*alarm://; s/ *$//' | sort -u | paste -s -d' ' -)
  [ -z "$alarms" ] || { [ "$alarms" = NOSPACE ] && allowed nospace-alarm; } ||
    refuse "the alarm $alarms is raised; clear its cause, then 'etcd-host ctl alarm disarm'"
}
allowed() { case " $allow " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# Leadership goes first to the voter that started last: one already rolled keeps it.
move_leadership_from() { # ID
  [ "$(leader_id)" = "$1" ] || return 0
  target=$(newest_voter_but "$1")
  [ -n "$target" ] || return 0
  ctl --endpoints="$(client_url_of "$1")" move-leader "$(hex_id "$target")" >/dev/null 2>"$work/move.log" ||
    note "leadership could not be moved first: $(plain_answer <"$work/move.log"); etcd moves it as it stops"
}
newest_voter_but() { # ID: another one's ID; never one that will be removed
  voters | while IFS='|' read -r id voter _ clients _; do
    url=${clients%%,*}
    if [ "$id" != "$1" ] && is_healthy "$url" && stays "$voter"; then
      fetch_from client "${url#https://}" "$work/metrics" 'GET /metrics HTTP/1.0\r\n\r\n'
      echo "$(awk '$1 == "process_start_time_seconds" { printf "%.0f", $2 }' "$work/metrics") $id"
    fi
  done | sort -n | awk 'END { print $2 }'
}
stays() { [ -z "$members" ] || has_line "$(declared_names)" "$1"; }
