# halt: the member stops, and its data is set aside. Then its own step starts it with what was laid out; by hand, switch
# does. Killed anywhere, each goes on where it was; put-back gives the restore up. Data is never deleted.

HALTED=halted # in STATE_DIR: what put-back needs

cmd_halt() {
  need_root
  take_lock
  work=$(mktemp -d "$RUN_DIR/.halt-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  [ -n "$name" ] || act_by_hand "stops $(mark_value name) and sets its data aside"
  need name "$name" version "$version" data-dir "$data_dir" initial-token "$initial_token"
  need_this_member
  if has_data_of "$initial_token" || is_switching "$initial_token"; then
    say "$name has the data of the restore already"
    return
  fi
  is_staged "$initial_token" ||
    refuse "nothing is laid out for $initial_token on $name, so it is not stopped; raise checkId, then run 'pulumi up'"
  refuse_quorum_again
  if is_running; then save_last_snapshot; fi
  keep_for_put_back
  stop_service
  if holds_data "$data_dir"; then move_all "$data_dir" "$(cat "$STATE_DIR/$HALTED/aside")"; fi
  say "halted $name"
}
# What was judged may be long ago: the run that judged it was cut off, and members have come back since.
refuse_quorum_again() {
  initial_cluster=$(staged_value initial_cluster)
  ! is_halted || return 0
  allowed restore-healthy-cluster || [ -n "$confirmed" ] || ! sees_other_quorum ||
    refuse "the cluster is healthy, as seen from $name (revision $(newest_revision)); what was written since the snapshot would be lost: allow it by etcd:allow: [restore-healthy-cluster], or take etcd:restore out; $name was not stopped"
}
# By hand everything is as it was laid out here.
act_by_hand() { # WHAT-IT-DOES
  name=$(mark_value name) data_dir=$(mark_value data_dir)
  [ -n "$name" ] || refuse "this host has not been prepared"
  initial_token=$(staged_value token)
  [ -n "$initial_token" ] || refuse "nothing is laid out on $name: etcd-host stage NAME first"
  [ -n "$confirmed" ] || refuse "add --yes: this $1"
  initial_cluster=$(staged_value initial_cluster) peer_url=$(staged_value peer_url) version=$(staged_value version) initial_state=new
  incarnation=$(mark_value incarnation)
}
# The last that can be saved of it; a member without a quorum may have more than the others.
save_last_snapshot() {
  (take_snapshot https://127.0.0.1:2379 "$(snapshots_dir)/etcd-$(minor_of "$version")-$(timestamp)-$name-before-restore.db" "before the restore") >"$work/last" 2>&1 ||
    note "no last snapshot of $name: $(tail -n 1 "$work/last" | sed 's/; nothing was changed, run again//'); its data is set aside"
}
# Once: the second run finds the service stopped already.
keep_for_put_back() {
  kept=$STATE_DIR/$HALTED
  [ "$(cat "$kept/token" 2>/dev/null)" != "$initial_token" ] || return 0
  if is_halted && ! holds_data "$data_dir"; then # for another snapshot: what was set aside is still the way back
    echo "$initial_token" | write_file "$kept/token" 600 root:root
    return
  fi
  rm -rf "$kept" "$kept.new"
  mkdir -p "$kept.new"
  for file in "$ETC_DIR/bootstrap.env" "$UNIT_FILE" "$STATE_DIR/mark" "$STATE_DIR/begun" "$STATE_DIR/bootstrapped" "$STATE_DIR/served"; do
    [ ! -e "$file" ] || cp -p "$file" "$kept.new/"
  done
  aside_name "$data_dir" >"$kept.new/aside"
  echo "$initial_token" >"$kept.new/token"
  sync_tree "$kept.new"
  mv "$kept.new" "$kept"
}

is_halted() { # and nothing has taken the place of its data
  [ -d "$STATE_DIR/$HALTED" ] && [ "$(cat "$STATE_DIR/$HALTED/token")" != "$(bootstrap_value CLUSTER_TOKEN)" ]
}

# In front of a member's start: what was laid out for this very cluster becomes its data. A mark says so before the first
# move, and goes last: a run that was cut off goes on.
is_switching() { [ "$(cat "$STATE_DIR/switching" 2>/dev/null)" = "$1" ]; } # TOKEN
take_staged() {
  folder=$(staged_dir "$initial_token")
  if [ "$initial_state" != new ] && ! is_switching "$initial_token"; then # it joins, long after the restore
    forget_stages none
    return
  fi
  if ! is_switching "$initial_token"; then
    is_staged "$initial_token" || return 0
    if has_data_of "$initial_token"; then rm -rf "$folder"; return; fi
    if is_running || holds_data "$data_dir"; then
      refuse "$name still has the data from before the restore; it is halted first: raise checkId, then run 'pulumi up' (by hand: etcd-host halt --yes)"
    fi
    refuse_second_start
    echo "$initial_token" | write_file "$STATE_DIR/switching" 600 root:root
  fi
  make_data_directory
  if [ -d "$folder/member" ]; then mv "$folder/member" "$data_dir/member"; fi
  sync_tree "$data_dir"
  label_files "$data_dir"
  forget_member_state
  rm -f "$STATE_DIR/told" # to the cluster before
  mark_begun
  write_bootstrap
  set_mark cluster "$initial_token"
  rm -rf "$folder"
  rm -f "$STATE_DIR/switching"
  note "$name starts with the data of the snapshot"
}
# From the switch until it has served: a founder, with a log.
begins_restored() { [ "$(staged_value token)" = "$initial_token" ] && ! has_served; }
# Nobody has served yet who would know this member: else it would come back without what it acknowledged since.
refuse_second_start() {
  others=$(printf '%s\n' "$initial_cluster" | tr ',' '\n' | sed 's/^[^=]*=//' | grep -vxF "$peer_url" || :)
  ask_peers "$others"
  for url in $others; do
    ! knows_me "$url" ||
      refuse "the member at $url knows $name as one that has served, so it cannot start from the snapshot: if that is the cluster from before, halt it first; if $name has lost its data since the restore, raise its incarnation"
  done
}
knows_me() { # PEER-URL
  grep '^\[{"id":' "$(peer_file "$1")" 2>/dev/null | sed 's/},{/}\n{/g' | grep -F "\"peerURLs\":[\"$peer_url\"]" | grep -q '"clientURLs":\["'
}
set_mark() { # KEY VALUE
  { grep -v "^$1=" "$STATE_DIR/mark"; echo "$1=$2"; } | write_file "$STATE_DIR/mark" 600 root:root
}

cmd_switch() { # by hand, in place of the member's step
  need_root
  take_lock
  work=$(mktemp -d "$RUN_DIR/.switch-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  act_by_hand "starts $(mark_value name) with the data of the snapshot"
  take_staged
  has_data_of "$initial_token" || refuse "nothing is laid out on $name: etcd-host stage NAME first, on each host"
  start_by_hand
  say "started $name; once most members are, 'etcd-host health' answers"
}
start_by_hand() {
  systemctl daemon-reload
  systemctl enable --quiet etcd.service
  systemctl reset-failed etcd.service 2>/dev/null || :
  systemctl start --no-block etcd.service
}

# The way back from halt, as long as the restored cluster has not begun anywhere.
cmd_put_back() {
  need_root
  take_lock
  kept=$STATE_DIR/$HALTED
  [ -d "$kept" ] || refuse "nothing was halted on this host, so there is nothing to put back"
  work=$(mktemp -d "$RUN_DIR/.put-back-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  initial_token=$(cat "$kept/token")
  name=$(mark_value name) data_dir=$(mark_value data_dir)
  initial_cluster=$(staged_value initial_cluster) peer_url=$(staged_value peer_url)
  refuse_begun
  [ -n "$confirmed" ] || refuse "add --yes: this gives the restore up on $name, whose data from before it comes back; do it on every host, and take etcd:restore out of the stack"
  stop_service
  put_data_back
  if has_wal "$data_dir"; then start_by_hand; fi # a new machine had nothing
  forget_stages none
  rm -f "$STATE_DIR/staged" "$STATE_DIR/switching"
  rm -rf "$kept" # what it is done from goes last
  say "put back what $name had before the restore"
}
refuse_begun() {
  ! { has_data_of "$initial_token" && has_served; } ||
    refuse "$name has served as a member of the restored cluster: what was written since would be lost; restore another snapshot instead (raise etcd:restore's id)"
  others=$(printf '%s\n' "$initial_cluster" | tr ',' '\n' | sed 's/^[^=]*=//' | grep -vxF "$peer_url" || :)
  ask_peers "$others"
  for url in $others; do
    # etcd writes it without zeros in front
    ! grep -qi "^X-Etcd-Cluster-ID: 0*$(cluster_id_of "$initial_token" "$initial_cluster" | sed 's/^0*//')[[:space:]]*\$" "$(peer_file "$url")" ||
      refuse "the member at $url runs in the restored cluster already; stop it (systemctl disable --now etcd) and put its data back first, if nothing was written since"
  done
}
put_data_back() {
  aside=$(cat "$kept/aside")
  # first: what it names is the cluster that this host is of
  if [ -e "$kept/bootstrap.env" ]; then cp -p "$kept/bootstrap.env" "$ETC_DIR/bootstrap.env"; fi
  if [ -d "$aside" ] && ! holds_data "$aside"; then
    rmdir "$aside" # a run that was cut off has brought all back
  elif [ -d "$aside" ]; then
    move_aside "$data_dir"
    if stays_in_place "$data_dir"; then
      find -H "$aside" -mindepth 1 -maxdepth 1 -exec mv -t "$data_dir" {} +
      rmdir "$aside"
    else
      [ ! -d "$data_dir" ] || rmdir "$data_dir"
      mv "$aside" "$data_dir"
    fi
  fi
  rm -f "$STATE_DIR/begun" "$STATE_DIR/bootstrapped" "$STATE_DIR/served" "$STATE_DIR/joining"
  for file in mark begun bootstrapped served; do
    [ ! -e "$kept/$file" ] || cp -p "$kept/$file" "$STATE_DIR/$file"
  done
  if [ -e "$kept/etcd.service" ]; then cp -p "$kept/etcd.service" "$UNIT_FILE"; fi
}
