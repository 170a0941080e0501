# What the deletes of the steps run, and what an operator may ask for. Data is moved aside, never deleted.

# Pulumi deletes a step because its node is declared no more, and just as well because the step is replaced: by hand, tainted,
# with its machine. The delete of a step looks the same in all cases. So that of a member, its certificates and its
# binaries only notes that its step was given up, and takes nothing away: a step that is done again takes its note back.
# What is on the host goes with the host's own step, and only if these notes are there.

cmd_stop() { leave_step member "the member stays"; } # delete of the member step
cmd_remove_certificates() { leave_step certificates "the certificates stay"; }
cmd_remove_binaries() { leave_step install "the binaries stay"; }
leave_step() { # STEP WHAT-STAYS
  need_owned "$1"
  printf '%s\n' "$owner" | write_file "$STATE_DIR/left-$1" 600 root:root
  say "given up: $2 on this host until $name-host is deleted, too"
}

# It can be cut at any moment and run again: what it judges by goes last.
cmd_remove_host() {
  need_owned prepare
  data_dir=$(mark_value data_dir)
  if ! is_given_up; then
    say "still declared: $name stays on this host, nothing was taken away"
    return
  fi
  take_member_away
  take_upkeep_away
  take_certificates_away
  take_binaries_away
  for dir in "$ETC_DIR" "$OPT_DIR" "$data_dir"; do rmdir "$dir" 2>/dev/null || :; done
  say_kept
  rm -f "$PROGRAM"
  forget_host
}
# What outlives the member is for its operator: the snapshots, and the files of others that were set aside.
say_kept() {
  kept=$(snapshots_dir)
  [ -z "$(find "$kept" \( -name '*.db' -o -name '*.db.gz*' \) -print -quit 2>/dev/null)" ] || note "the snapshots in $kept are kept"
  for kept in "$STATE_DIR"/aside-*; do [ ! -e "$kept" ] || note "$kept is kept"; done
}
forget_host() {
  find "$STATE_DIR" -mindepth 1 -maxdepth 1 ! -name snapshots ! -name 'aside-*' -exec rm -rf {} +
  rmdir "$STATE_DIR/snapshots" 2>/dev/null || :
  rmdir "$STATE_DIR" 2>/dev/null || :
  rm -rf "$RUN_DIR"
}

# A host that is replaced is prepared again first, and with that no step of it is given up any more; the others are done
# again before its old delete comes, unless the run was cut off. A step that was never done here cannot be given up.
is_given_up() {
  left=0 kept=''
  for step in member:member certificates:certificates install:binaries; do
    if [ -e "$STATE_DIR/left-${step%:*}" ]; then left=$((left + 1)); else kept=$name-${step#*:}; fi
  done
  if ! [ -e "$STATE_DIR/owner-member" ]; then
    [ "$left" -ge 2 ] || ! has_begun
    return
  fi
  [ "$left" -ge 2 ] || return 1
  # One step is in no state, or is to follow in a run that was cut off. The host's own step can tell as long as it was done
  # before the member's: then it has not been replaced since.
  [ "$left" = 3 ] || ! [ -e "$STATE_DIR/prepared-again" ] || ! is_running ||
    refuse "the step $kept has not been deleted, so $name may still be wanted: a replacement was interrupted, or the step was taken out of the state. Nothing was changed: run 'pulumi up' with $name declared, then repeat this; or end the member (systemctl disable --now etcd, on this host), then repeat this"
}
has_begun() { [ -e "$STATE_DIR/begun" ] || [ -e "$STATE_DIR/bootstrapped" ] || has_wal "$data_dir"; }

take_member_away() {
  stop_service
  rm -f "$UNIT_FILE" "$ETC_DIR/bootstrap.env"
  systemctl daemon-reload
  systemctl reset-failed etcd.service 2>/dev/null || :
  move_aside "$data_dir"
  forget_stages none
  forget_member_state
}
forget_member_state() {
  rm -f "$STATE_DIR/begun" "$STATE_DIR/joining" "$STATE_DIR/bootstrapped" "$STATE_DIR/served" "$STATE_DIR/declared-member"
  rm -rf "$RUN_DIR/started"
}
stop_service() {
  revoke_permit
  if [ -e "$UNIT_FILE" ]; then systemctl disable --quiet --now etcd.service; fi
  if is_running; then systemctl stop etcd.service; fi
  ! is_running || fail "etcd does not stop on this host; see 'systemctl status etcd', then run again"
}

take_certificates_away() {
  [ ! -d "$ETC_DIR" ] || find "$ETC_DIR" -mindepth 1 -maxdepth 1 \( -name pki -o -name 'pki-*' \) -exec rm -rf {} +
}

take_binaries_away() {
  for binary in $BINARIES; do
    case $(readlink "$LINK_DIR/$binary" || :) in "$OPT_DIR"/*) rm -f "$LINK_DIR/$binary" ;; esac
  done
  for release in "$OPT_DIR"/*/.sha256; do # what else is there is not ours
    [ ! -e "$release" ] || rm -rf "${release%/.sha256}"
  done
}

need_owned() { # STEP: a delete whose host belongs to another by now does nothing
  need name "$name" incarnation "$incarnation" owner "$owner"
  need_root
  take_lock
  owns_step "$1" && return 0
  say "nothing to do: on this host $1 is no longer ours"
  exit 0
}

cmd_discard() { # an operator sets a stopped member's data aside
  need_root
  take_lock
  case $(unit_property ActiveState) in
    inactive | failed) ;;
    *) refuse "etcd runs on this host; its data is in use (systemctl stop etcd)" ;;
  esac
  data_dir=$(mark_value data_dir)
  [ -n "$data_dir" ] || refuse "this host has not been prepared"
  [ -n "$confirmed" ] || refuse "add --yes to set the data in $data_dir aside; the member then needs a raised incarnation to come back"
  move_aside "$data_dir"
}
