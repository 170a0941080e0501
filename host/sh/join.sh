# A member without data of its incarnation: it bootstraps the cluster with the others, or joins an existing one.

JOIN_SECONDS=600  # and what its db takes: until a learner has what the leader sends
CHANGE_SECONDS=60 # etcd refuses a change of members while a connection between them is younger than 5 s

# Was the data here written by this incarnation? What an earlier one left is set aside before this one begins.
owns_data() {
  if is_waiting_founder && has_empty_log "$data_dir"; then
    note "etcd ended before $name had written anything into its log, which no start can go on with: it begins anew"
    set_old_data_aside
  fi
  if is_waiting_founder && [ "$(data_incarnation)" != "$incarnation" ]; then mark_begun; fi
  has_wal "$data_dir" && [ "$(data_incarnation)" = "$incarnation" ]
}
data_incarnation() { cat "$STATE_DIR/begun" 2>/dev/null || cat "$STATE_DIR/bootstrapped" 2>/dev/null || echo "$incarnation"; }

begin_member() { # UNIT
  # What has had data never begins again: an empty voter loses writes that it acknowledged.
  [ "$(cat "$STATE_DIR/bootstrapped" 2>/dev/null || :)" != "$incarnation" ] || refuse_lost_data
  if is_to_bootstrap; then
    set_old_data_aside
    mark_begun
    start_member "$1"
  else
    need_join
    join_cluster "$1"
  fi
}
refuse_lost_data() {
  ! is_halted || refuse "$name was halted for a restore that is not what is declared now: bring its data back with 'etcd-host put-back --yes' on every host, or declare etcd:restore again"
  refuse "the data of $name is gone from $data_dir: an empty start could lose acknowledged writes; raise the node's incarnation to replace the member, or put the data back"
}
# Written while the data directory is empty, or for a founder that goes on: its WAL is this incarnation's.
mark_begun() { printf '%s\n' "$incarnation" | write_file "$STATE_DIR/begun" 600 root:root; }

# Joining is always safe, but for a member that has served and whose log is gone: only a raised incarnation replaces it.
need_join() {
  query_cluster || {
    [ "$initial_state" = existing ] || refuse_lost_data
    refuse "$name would join the cluster, but no member of it answers this host; see 'etcd-host status' on the others, start what is stopped, then run again$(why_silent)"
  }
  [ -n "$(started_before)" ] || return 0
  recorded=$(recorded_incarnation) || refuse "the cluster does not say which incarnation of $name is its member; see 'etcd-host health' on the others, then run again"
  [ "$recorded" -lt "$incarnation" ] || refuse_lost_data
}
# Members of this name or at this URL that have served once: etcd then knows their client URL.
started_before() { former_selves | while read -r id; do client_url_of "$id"; done | sed '/^$/d'; }
former_selves() {
  awk -F'|' -v name="$name" -v url="$peer_url" '$2 == name || index("," $3 ",", "," url ",") { print $1 }' "$work/members"
}

join_cluster() { # UNIT
  replaces=$(former_selves; echo none-left) # an interrupted run may have removed it
  until_proven can_join
  take_cluster_lock "$(healthy_urls_but "$(my_id)")"
  query_cluster || fail "the cluster no longer answers; nothing was changed, run again"
  for id in $(former_selves); do
    remove_member "$id"
    query_cluster || fail "the cluster no longer answers after the removal of the former $name; run again"
  done
  disarm_corruption
  take_cluster_lock "$(healthy_urls_but "$(my_id)")"
  set_old_data_aside
  need_cluster_lock
  ctl --endpoints="$(healthy_urls_but none)" put "$JOINS$peer_url" "$peer_url" >/dev/null || fail "cannot write to the cluster; run again"
  note "adding $name as a learner"
  change_cluster "$(healthy_urls_but none)" "already exists" member add "$name" --learner --peer-urls="$peer_url"
  query_cluster || fail "the cluster no longer answers after $name was added; run again"
  initial_cluster=$(listed_cluster) # etcd compares it with its own list
  initial_state=existing
  mark_begun
  : >"$STATE_DIR/joining" # until it votes
  start_member "$1"
}
prove_room_for_learner() {
  other=$(learners | awk -F'|' -v url="$peer_url" '$3 != url { print $2 == "" ? $3 : $2 }')
  [ -z "$other" ] || refuse "$other is still a learner, and etcd takes one at a time; let its host finish the join first (run again with a new checkId), or remove it: etcd-host ctl member remove"
}
listed_cluster() { # NAME=URL,… as etcd lists them now
  awk -F'|' -v name="$name" -v own="$peer_url" '{
    called = $3 == own ? name : $2 == "" ? "member-" $1 : $2
    n = split($3, urls, ",")
    for (i = 1; i <= n; i++) printf "%s%s=%s", (count++ ? "," : ""), called, urls[i]
  }' "$work/members"
}
# The old process has been removed from the cluster, or is of none that is left.
set_old_data_aside() {
  if ! holds_data "$data_dir"; then return; fi
  if is_running; then stop_service; fi
  move_aside "$data_dir"
  forget_member_state
}

# A member that has begun by joining votes only once it has the leader's log.
become_voter() {
  wait_to_join
  until query_cluster; do wait_for_join "the cluster does not answer $name"; done
  [ -n "$(my_id)" ] || refuse_removed
  if is_learner "$(my_id)"; then
    take_cluster_lock "$(healthy_urls_but "$(my_id)")"
    wait_to_join # the lock had a limit of its own
    until promote_myself; do wait_for_join "$name has not caught up"; done
    forget_join "$peer_url"
    note "$name has caught up and votes"
  fi
  wait_until_ready || start_failed "etcd ended after it had joined"
  wait_until_caught_up
  remember_endpoints
  rm -f "$STATE_DIR/joining"
}
promote_myself() {
  query_cluster || return 1
  me=$(my_id)
  is_learner "$me" || return 0
  until_proven can_promote "$me"
  record_incarnation # first: a voter without a record would be taken for a foreign one
  need_cluster_lock
  ctl --endpoints="$(healthy_urls_but "$me")" member promote "$(hex_id "$me")" >"$work/promote" 2>&1 || {
    grep -q -e 'in sync with leader' -e 'unhealthy cluster' -e 'deadline exceeded' -e 'timed out' -e 'leader changed' "$work/promote" || # to be tried again
      fail "$name cannot become a voter: $(plain_answer <"$work/promote")"
    return 1
  }
}
wait_to_join() {
  patience=$(with_db "$JOIN_SECONDS")
  deadline=$(($(date +%s) + patience))
}
wait_for_join() { # WHY
  is_running || start_failed "etcd ended while it joined"
  [ "$(date +%s)" -lt "$deadline" ] || fail "$1 after $patience s; see 'etcd-host status' here and 'etcd-host ctl member list', then run again: it resumes there"
  sleep 0.2
}

# Which incarnation of a name is the member: kept in the cluster, since the host that knew it may be gone.
INCARNATIONS=etcd-host/members/
recorded_incarnation() { # 1 where nothing is recorded
  found=$(ctl --endpoints="$(healthy_urls_but none)" get "$INCARNATIONS$name" --print-value-only 2>/dev/null) || return 1
  echo "${found:-1}"
}
record_incarnation() {
  ctl --endpoints="$(healthy_urls_but none)" put "$INCARNATIONS$name" "$incarnation" >/dev/null || fail "cannot write to the cluster; run again"
}

# Whom this program has added, until it votes and its incarnation is recorded: a learner of nobody else.
JOINS=etcd-host/joining/
forget_join() { # PEER-URL; at worst it is known for too long
  ctl --endpoints="$(healthy_urls_but none)" del "$JOINS$1" >/dev/null 2>&1 || :
}

# Removes a member for good: only with the lock, with leadership elsewhere, and proven as the last thing before it.
remove_member() { # ID
  hand_over "$1" can_remove "$1"
  need_cluster_lock
  gone=$(name_of "$1") record=$(row_of "$1" | cut -d'|' -f2) joined_at=''
  if is_learner "$1"; then joined_at=$(row_of "$1" | cut -d'|' -f3); fi
  change_cluster "$(healthy_urls_but "$1")" "not found" member remove "$(hex_id "$1")"
  disarm_corruption
  [ -z "$record" ] || forget_member "$(healthy_urls_but "$1")" "$record" ||
    note "the record of $gone stays in the cluster: declared again, it needs a raised incarnation"
  [ -z "$joined_at" ] || forget_join "$joined_at"
  note "removed $gone from the cluster"
}
forget_member() { # ENDPOINTS NAME
  for record in "$INCARNATIONS$2" "$STEPS$2"; do ctl --endpoints="$1" del "$record" >/dev/null 2>&1 || return 1; done
}
# A change that timed out may have been made: what etcd then says of a second one is success. Empty where it says nothing.
change_cluster() { # ENDPOINTS DONE-BEFORE ETCDCTL-ARGUMENT...
  asked=$1 done_before=$2
  shift 2
  until_s=$(($(date +%s) + CHANGE_SECONDS))
  until ctl --endpoints="$asked" "$@" >"$work/change" 2>&1; do
    if [ -n "$done_before" ] && grep -qi -e "$done_before" "$work/change"; then return 0; fi
    grep -q -e 'unhealthy cluster' -e 'deadline exceeded' -e 'timed out' -e 'leader changed' -e 'auth store is old' "$work/change" ||
      fail "etcd refuses '$1 $2': $(plain_answer <"$work/change")"
    [ "$(date +%s)" -lt "$until_s" ] || fail "etcd refuses '$1 $2' for $CHANGE_SECONDS s: $(plain_answer <"$work/change"); run again when all members are connected"
    sleep 0.5
  done
}
