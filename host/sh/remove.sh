# What the deletes of the steps run, and what an operator may ask for. Data is moved aside, never deleted.

cmd_stop() { # delete of the member step
  need_owned member
  take_member_away
  disown_step member
}

# Also before anything that a member needs is removed: its own step may be missing, if its first start was interrupted.
take_member_away() {
  data_dir=$(mark_value data_dir)
  stop_service
  rm -f "$UNIT_FILE" "$ETC_DIR/bootstrap.env"
  systemctl daemon-reload
  systemctl reset-failed etcd.service 2>/dev/null || :
  move_aside "$data_dir"
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

cmd_remove_certificates() {
  need_owned certificates
  take_member_away
  find "$ETC_DIR" -mindepth 1 -maxdepth 1 \( -name pki -o -name 'pki-*' \) -exec rm -rf {} +
  rm -f "$STATE_DIR/declared-certificates"
  disown_step certificates
}

cmd_remove_binaries() {
  need_owned install
  take_member_away
  for binary in etcd etcdctl etcdutl; do
    case $(readlink "$LINK_DIR/$binary" || :) in "$OPT_DIR"/*) rm -f "$LINK_DIR/$binary" ;; esac
  done
  for release in "$OPT_DIR"/*/.sha256; do # what else is there is not ours
    [ ! -e "$release" ] || rm -rf "${release%/.sha256}"
  done
  rm -f "$STATE_DIR/declared-install"
  disown_step install
}

cmd_remove_host() {
  need_owned prepare
  take_member_away
  for dir in "$ETC_DIR" "$OPT_DIR" "$data_dir"; do rmdir "$dir" 2>/dev/null || :; done
  rm -f "$PROGRAM"
  rm -rf "$STATE_DIR" "$RUN_DIR"
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
