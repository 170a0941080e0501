# Members that are in etcd's list and not declared: removed one by one, each with the proof that the rest can do without it.

MEMBERSHIP_SECONDS=60 # and six elections: after a bootstrap that was repaired, or the renewal of what had ended, they come first

cmd_membership() { # stdin: the members, and who may do what; after the last of them has joined
  begin_cluster_step
  if [ -n "$restore" ]; then
    wait_for_cluster
    forget_alarms_before
    forget_records_before
  fi
  if is_bootstrapping; then
    [ -n "$access" ] || { say "the cluster is being bootstrapped: nothing to remove"; return; }
    wait_for_cluster
  else
    wait_for_cluster
    remove_members undeclared
    disarm_no_space
  fi
  reconcile_access
  say "checked the members"
}
wait_for_cluster() {
  deadline=$(($(date +%s) + MEMBERSHIP_SECONDS + election_timeout * 6 / 1000))
  until query_cluster; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "no member answers, so it is unknown which to remove; run again when the cluster is healthy$(why_silent)"
    sleep 0.5
  done
}

remove_members() { # undeclared|dead_undeclared
  [ -n "$("$1")" ] || return 0
  until_proven no_alarm
  take_cluster_lock "$(healthy_declared_urls)"
  until_proven read_incarnations
  refuse_foreign_members
  for id in $("$1"); do
    remove_member "$id"
    query_cluster || fail "the cluster no longer answers after a removal; run again"
  done
}
# A member that this stack never added is someone else's, be it a voter or a learner; only a person may remove it.
refuse_foreign_members() {
  [ -n "$incarnations" ] || return 0 # of a cluster from before they were recorded
  for id in $(undeclared); do
    printf '%s\n' "$incarnations" | grep -q "^$INCARNATIONS$(row_of "$id" | cut -d'|' -f2) " || echo "$id"
  done >"$work/unknown"
  [ -s "$work/unknown" ] || return 0
  joins=$(ctl --endpoints="$(healthy_urls_but none)" get --prefix "$JOINS" --print-value-only 2>/dev/null) ||
    refuse "the cluster does not say whom this stack has added, so nobody can be removed; see 'etcd-host health', then run again"
  while read -r id; do
    peers=$(row_of "$id" | cut -d'|' -f3)
    has_line "$joins" "$peers" || echo "$(name_of "$id") ($peers)"
  done <"$work/unknown" >"$work/foreign"
  [ ! -s "$work/foreign" ] ||
    refuse "the cluster has a member that this stack never had: $(paste -s -d' ' "$work/foreign"). Declare it in etcd:nodes, or remove it by hand: etcd-host ctl member remove"
}
is_declared() { has_line "$(declared_names)" "$1"; }
undeclared() { # ids
  while IFS='|' read -r id listed peers _; do
    is_declared "$listed" || is_being_added "$peers" || echo "$id"
  done <"$work/members"
}
# Not a vote that counts: never started, a learner, or down.
dead_undeclared() {
  for id in $(undeclared); do
    if is_learner "$id" || ! is_healthy "$(client_url_of "$id")"; then echo "$id"; fi
  done
}
# The unfinished join of a declared node has no name yet: its own step finishes it.
is_being_added() { has_line "$(for member in $members; do peer_url_of "$member"; done)" "$1"; }
healthy_declared_urls() { # never through one that is about to go
  healthy_voters_but none | while read -r voter url; do ! is_declared "$voter" || echo "$url"; done | paste -s -d, -
}
