# start: the member's first start. It never waits for a quorum that needs the next node.

# Until etcd has its WAL and answers on its metrics port, and what its db takes: it has no quorum to wait for, but a db to check.
START_SECONDS=120

cmd_start() { # OPTION...; stdin: the unit
  read_member_step
  step_digest=$(declared_digest "$new_unit" "$@")
  take_staged
  if ! owns_data; then
    begin_member "$new_unit"
  elif has_served; then
    take_up_again "$new_unit"
  elif is_running; then
    keep_running "$new_unit"
  else
    start_member "$new_unit"
  fi
  finish_member_step
}
finish_member_step() {
  remember_bootstrap
  if [ -e "$STATE_DIR/joining" ]; then become_voter; fi
  link_version
  # a host that was prepared for a restore, and joined after it
  [ "$(mark_value cluster)" = "$initial_token" ] || set_mark cluster "$initial_token"
  record_what_runs
  declare_files member "$UNIT_FILE" "$ETC_DIR/bootstrap.env"
  claim_step member
}

read_member_step() {
  need name "$name" incarnation "$incarnation" owner "$owner" version "$version" data-dir "$data_dir" \
    initial-state "$initial_state" initial-cluster "$initial_cluster" initial-token "$initial_token" \
    peer-url "$peer_url" metrics-url "$metrics_url" bundles "$bundles"
  need_root
  take_lock
  need_this_member
  # shellcheck disable=SC2086 # words
  is_verified "$version" $BINARIES || refuse_unverified
  [ "$(bundles_digest)" = "$bundles" ] || refuse "the CA bundles on this host are not the declared ones; run 'pulumi up' with a new checkId"
  work=$(mktemp -d "$RUN_DIR/.member-XXXXXX")
  trap 'drop_cluster_lock; rm -rf "$work"' EXIT
  new_unit=$work/unit
  cat >"$new_unit"
  [ -s "$new_unit" ] || fail "the step sent no unit"
  need_flag_files "$new_unit"
}
refuse_unverified() {
  [ -x "$OPT_DIR/$version/etcd" ] || refuse "etcd $version is not installed in $OPT_DIR/$version; run 'pulumi up' with a new checkId"
  refuse "etcd $version in $OPT_DIR/$version is not what was installed from the declared archive, so it may not run; run 'pulumi up' with a new checkId to install it again"
}
bundles_digest() { cat "$ETC_DIR/pki/client-ca.crt" "$ETC_DIR/pki/peer-ca.crt" | sha256sum | cut -c1-16; }

keep_running() { # UNIT
  changed=$(differences "$1" | tr '\n' ',' | sed 's/,$//; s/,/, /g')
  if [ -z "$changed" ]; then
    restore_service "$1"
    say "$name runs as declared"
    return
  fi
  if ! is_ready && ! has_served; then
    # It has never served: there is no quorum to take away, and its first settings may be what keeps it from one.
    note "restarting $name, which has not served yet: its $changed changed"
    need_same_bootstrap
    systemctl stop etcd.service
    start_member "$1"
    return
  fi
  restart_member "$1" # it serves: a run that was cut off had started it, with other settings
}

# The process is as declared; what happened to its files meanwhile would show at the next boot.
restore_service() { # UNIT
  need_same_bootstrap
  write_bootstrap
  set_drop_ins_aside
  if ! same_file "$1" "$UNIT_FILE" || ! has_mode "$UNIT_FILE" 644 root:root; then
    write_file "$UNIT_FILE" 644 root:root <"$1"
    systemctl daemon-reload
  fi
  systemctl is-enabled --quiet etcd.service 2>/dev/null || systemctl enable --quiet etcd.service
}

start_member() { # UNIT
  need_same_bootstrap
  write_bootstrap
  set_drop_ins_aside
  write_file "$UNIT_FILE" 644 root:root <"$1"
  systemctl enable --quiet --no-reload etcd.service
  systemctl daemon-reload
  if ! has_wal "$data_dir"; then grant_permit; fi
  systemctl reset-failed etcd.service 2>/dev/null || :
  systemctl start --no-block etcd.service
  wait_until_bootstrapped
  revoke_permit
  say "started $name"
}

# From now on this incarnation never starts empty.
remember_bootstrap() {
  ! has_wal "$data_dir" || printf '%s\n' "$incarnation" | write_file "$STATE_DIR/bootstrapped" 600 root:root
}

# What a first start was told is in the WAL for good: with another list of peers the members never find each other.
need_same_bootstrap() {
  has_wal "$data_dir" || return 0
  [ -s "$ETC_DIR/bootstrap.env" ] && ! was_tampered "$ETC_DIR/bootstrap.env" || return 0
  told="CLUSTER=$initial_cluster"
  grep -qx ETCD_INITIAL_CLUSTER_STATE=new "$ETC_DIR/bootstrap.env" || told='' # a member that joined was told the list of that moment
  for setting in $told "CLUSTER_TOKEN=$initial_token"; do
    grep -qxF "ETCD_INITIAL_$setting" "$ETC_DIR/bootstrap.env" ||
      refuse "$name has started as a member of another cluster ($(sed -n 's/^ETCD_INITIAL_CLUSTER=//p' "$ETC_DIR/bootstrap.env")), which its data keeps; change the addresses back, or bootstrap a new cluster: 'pulumi destroy' (it keeps the data aside), then 'pulumi up'"
  done
}
was_tampered() { # FILE: not what this program wrote last
  [ -s "$STATE_DIR/declared-member" ] && ! grep " $1\$" "$STATE_DIR/declared-member" | sha256sum --check --status 2>/dev/null
}

# The four settings that etcd reads once in its life live beside the unit: a flag of the same name would be fatal.
write_bootstrap() {
  make_data_directory
  {
    printf 'ETCD_INITIAL_ADVERTISE_PEER_URLS=%s\n' "$peer_url"
    printf 'ETCD_INITIAL_CLUSTER=%s\n' "$initial_cluster"
    printf 'ETCD_INITIAL_CLUSTER_STATE=%s\n' "$initial_state"
    printf 'ETCD_INITIAL_CLUSTER_TOKEN=%s\n' "$initial_token"
  } | write_file "$ETC_DIR/bootstrap.env" 640 root:etcd
}

wait_until_bootstrapped() {
  patience=$(with_db "$START_SECONDS")
  deadline=$(($(date +%s) + patience))
  port=$(port_of "$metrics_url")
  until has_wal "$data_dir" && port_taken "$port" && is_running; do # the cheap questions first
    # while systemd still has the start to do, the state is the one from before it
    case $(systemctl show etcd.service --property=Job,ActiveState,SubState 2>/dev/null) in
      *Job=[1-9]*) ;;
      *ActiveState=failed* | *SubState=auto-restart* | *SubState=dead*) start_failed "etcd ended right after its start" ;;
    esac
    [ "$(date +%s)" -lt "$deadline" ] || start_failed "etcd has not come up within $patience s"
    sleep 0.05
  done
}
start_failed() { # REASON: nothing half-done stays behind: a member that never bootstrapped is stopped again
  log=$(last_log_lines)
  revoke_permit
  if has_wal "$data_dir"; then remember_bootstrap; else systemctl disable --quiet --now etcd.service || :; fi
  note "$log"
  fail "$1 on $name; its last log lines are above"
}
