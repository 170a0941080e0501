# roll: the member step on every later run. Restarts the member if the running process would differ, one member of the
# cluster at a time, and ends when it has caught up.

ROLL_SECONDS=300 # and what its db takes: until a restarted member is ready and has caught up

cmd_roll() { # OPTION...; stdin: the unit
  may_bootstrap=no
  read_member_step
  step_digest=$(declared_digest "$new_unit" "$@")
  take_staged
  if ! owns_data; then
    begin_member "$new_unit"
  elif ! is_running && begins_restored; then
    start_member "$new_unit" # the others do the same: nobody can be asked
  elif ! is_running; then
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
  machine_is_back
}

# The create of a step that was replaced, or forgotten, finds a member that has served: it does what an update does, and
# the next member is touched only once this one has caught up, whoever had restarted it.
take_up_again() { # UNIT
  if query_cluster && [ -z "$(my_id)" ]; then # its step was given up as its node was removed, and is declared again
    note "$name was removed from the cluster, and joins it again"
    set_old_data_aside
    begin_member "$1"
  elif ! is_running; then
    start_again "$1"
  else
    keep_running "$1"
    if query_cluster; then wait_until_caught_up; fi
  fi
  machine_is_back
}

# A stopped member takes no quorum away by starting. With the others up it must catch up before the next one is touched.
start_again() { # UNIT
  if may_restart_unproven; then
    restart_unproven "$1"
  elif query_cluster; then
    [ -n "$(my_id)" ] || refuse_removed
    prove_version_step
    announce_address
    note_who_serves
    start_member "$1"
    wait_until_caught_up
    remember_endpoints
  else
    keep_told # before it may serve
    start_member "$1"
  fi
}

# What takes its time comes first; then the lock, and with it the proof, as the last thing before the restart.
restart_member() { # UNIT
  if may_restart_unproven; then restart_unproven "$1"; return; fi
  need_same_bootstrap
  need_disk
  ask_here
  answered_before=$answer
  until_proven can_restart
  announce_outage
  prove_version_step "$(but_me)"
  save_snapshot_before_minor
  wait_for_my_turn
  prove_version_step "$(but_me)"
  version_before=$agreed
  prove_bundles
  # what it runs with; the file may have been changed since
  cp "$RUN_DIR/started/unit" "$work/old-unit" 2>/dev/null || cp "$UNIT_FILE" "$work/old-unit"
  digest_of "$PROC/$(unit_property MainPID)/exe" >"$work/old-binary" 2>/dev/null || :
  hand_over "$me" can_restart
  announce_address
  if has_moved && ! settles "$PROOF_SECONDS" can_restart; then # etcd may have kept us waiting
    set_peer_url "$address_before"
    refuse "$problem"
  fi
  [ "$(voters | wc -l)" = 1 ] || need_cluster_lock
  record_told
  begin=$(date +%s)
  remember_endpoints
  note_who_serves
  set_drop_ins_aside
  install_and_restart "$1"
  wait_until_ready || roll_back "ended right after its restart" "does not start"
  ! keeps_refusing || roll_back "refuses what is asked of it ($why_not)" "does not answer"
  wait_until_caught_up
  note "restarted $name in $(($(date +%s) - begin)) s"
}
but_me() { [ "$(voters | wc -l)" = 1 ] || echo "$me"; } # the others say as well what all have agreed on
announce_outage() {
  [ "$(voters | wc -l)" -gt 1 ] || is_learner "$me" || note "$name is the only member: its restart is an outage of a few seconds"
}
# Whoever restarts a member now may be a run whose CLI is gone. A single voter has nobody to wait for.
wait_for_my_turn() {
  [ "$(voters | wc -l)" = 1 ] ||
    take_cluster_lock "$(healthy_urls_but "$me")" # not through this member: etcd waits 7 s for its streams as it stops
}
install_and_restart() { # UNIT
  write_bootstrap
  write_file "$UNIT_FILE" 644 root:root <"$1"
  systemctl enable --quiet --no-reload etcd.service
  systemctl daemon-reload
  systemctl reset-failed etcd.service 2>/dev/null || :
  systemctl restart --no-block etcd.service
}

# The others must know a member's new address before it listens there.
announce_address() {
  address_before=$(row_of "$(my_id)" | cut -d'|' -f3)
  has_moved || return 0
  note "telling the cluster that $name moves from $address_before to $peer_url"
  set_peer_url "$peer_url"
}
has_moved() { [ -n "$address_before" ] && [ "$address_before" != "$peer_url" ]; }
set_peer_url() { # URL
  change_cluster "$(healthy_urls_but "$(my_id)")" "" member update "$(hex_id "$(my_id)")" --peer-urls="$1"
}

wait_until_ready() { # false: etcd ended before it was ready
  patience=$(with_db "$ROLL_SECONDS")
  deadline=$(($(date +%s) + patience))
  while :; do
    case $(systemctl show etcd.service --property=Job,ActiveState,SubState 2>/dev/null) in
      *SubState=auto-restart*) return 1 ;;
      *Job=[1-9]*) ;; # systemd still has the restart to do
      *ActiveState=active*) return 0 ;;
      *ActiveState=failed* | *SubState=dead*) return 1 ;;
    esac
    [ "$(date +%s)" -lt "$deadline" ] || fail "$name is not ready after $patience s; see 'journalctl -u etcd' on this host, then run again"
    sleep 0.1
  done
}

# Ended before it was ready, or refuses us since: the new settings are at fault. The old ones come back, as long as the
# cluster has not moved to a newer version meanwhile, which the old binary could not read.
roll_back() { # WHAT-IT-DOES WHAT-IT-DOES-NOT
  last_log_lines >"$work/why"
  note "$(cat "$work/why")"
  if [ "$(voters | wc -l)" -gt 1 ]; then # the only member of a cluster has no other one to ask
    version_now=$(cluster_version "$me") ||
      fail "etcd on $name $1, and the others do not say whether the cluster version is still $version_before, so the old version does not come back; etcd's last log lines are above"
    [ "$version_now" = "$version_before" ] ||
      fail "etcd on $name $1, and the cluster version has changed meanwhile, so the old version cannot come back; etcd's last log lines are above"
  fi
  old_version=$(sed -n 's|^ExecStart=[^ ]*/\([^/ ]*\)/etcd .*|\1|p' "$work/old-unit")
  is_verified "$old_version" etcd || has_just_run "$OPT_DIR/$old_version/etcd" ||
    fail "etcd on $name $1, and etcd $old_version of its old settings is not what was installed from a declared archive, so it does not come back; etcd's last log lines are above: declare etcd $old_version again, raise checkId, and run 'pulumi up'"
  note "etcd $1: restoring the old settings of $name"
  if has_moved; then set_peer_url "$address_before"; fi
  put_drop_ins_back
  install_and_restart "$work/old-unit"
  wait_until_ready || fail "etcd on $name $1, and does not start with the old settings either; etcd's log lines for the new ones are above"
  wait_until_caught_up
  record_taken_back
  fail "etcd $2 with the new settings on $name, which runs with the old ones again; no other member was touched. Its last log lines are above: correct the configuration, raise checkId, and run again"
}
# An older program kept no record of a version that it went away from.
has_just_run() { [ -s "$work/old-binary" ] && [ "$(digest_of "$1")" = "$(cat "$work/old-binary")" ]; } # FILE
# Caught up: healthy (a linearizable read), and past the entry that the leader was at when we asked.
wait_until_caught_up() {
  if is_learner "$(my_id)"; then return; fi # become_voter waits for it
  patience=$(with_db "$ROLL_SECONDS")
  deadline=$(($(date +%s) + patience))
  until answers_here; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "$name is not healthy $patience s after its start: $(unhealthy_line "$work/health"); no other member was touched"
    sleep 0.1
  done
  until query_cluster && [ -n "$(leader_index)" ]; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "the cluster does not answer after the start of $name; no other member was touched"
    sleep 0.1
  done
  goal=$(leader_index)
  until [ "$(applied_at https://127.0.0.1:2379)" -ge "$goal" ]; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "$name has not caught up after $patience s; no other member was touched"
    sleep 0.1
  done
  wait_for_the_others
}
# As etcd starts it asks each of the others for a hash of all its data. While one computes it, it serves nobody: seconds
# where its db is in memory, minutes where it comes from a disk.
serving=''
note_who_serves() { serving=$(names_that_serve); }
names_that_serve() { healthy_voters_but "$(my_id)" | cut -d' ' -f1; }
wait_for_the_others() {
  until [ -z "$(silenced)" ]; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "$(silenced | paste -s -d' ' -) served before the start of $name, and does not $patience s later; no other member was touched"
    sleep 0.1
    query_cluster || : # what was seen last stays
  done
}
silenced() {
  names_that_serve >"$work/serve"
  printf '%s\n' "$serving" | sed '/^$/d' | grep -vxFf "$work/serve" || :
}
answers_here() {
  ctl --endpoints=https://127.0.0.1:2379 endpoint health >"$work/health" 2>&1 || :
  is_healthy https://127.0.0.1:2379
}
