# snapshot: of this very member. Where no quorum is left its own files may be the newest data that there is.

REPLAY_SECONDS=10 # for what is in the log and not yet in the database

cmd_snapshot() {
  need_root
  take_lock
  work=$(mktemp -d "$RUN_DIR/.snapshot-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  name=$(mark_value name) data_dir=$(mark_value data_dir) version=$(linked_version)
  [ -n "$name" ] || refuse "this host has not been prepared"
  saved=$(snapshots_dir)/etcd-$(minor_of "$version")-$(timestamp)-$name.db
  if [ -z "$from_data" ]; then
    take_snapshot https://127.0.0.1:2379 "$saved" "of $name"
  elif ! is_running || ! (take_snapshot https://127.0.0.1:2379 "$saved" "of $name") 2>"$work/asked"; then
    save_from_data
  fi
  say "saved $saved, sha256 $(digest_of "$saved")"
}
# A member that is alone answers nothing once it was restarted: its database is taken as it lies on the disk.
save_from_data() {
  [ -f "$data_dir/member/snap/db" ] || refuse "$name has no database in $data_dir"
  need_room_for_copy
  [ -n "$(find_verified etcdutl "$version" "$(linked_version)" "$(installed_version)")" ] ||
    refuse "no etcdutl on this host is what was installed from an archive with a declared sha256, so a snapshot could not be checked; raise etcd:checkId, then run 'pulumi up'"
  ! is_running || ! is_healthy https://127.0.0.1:2379 ||
    refuse "$name serves, and the snapshot failed all the same: $(tail -n 1 "$work/asked"); it is not stopped for one"
  if is_running; then
    ran=yes
    trap 'systemctl start --no-block etcd.service; rm -rf "$work"' EXIT # however this ends
  else
    ran=''
    replay_log
  fi
  systemctl stop etcd.service
  ! is_running || fail "etcd does not stop on this host; see 'systemctl status etcd', then run again"
  copy_database
  if [ -n "$ran" ]; then
    trap 'rm -rf "$work"' EXIT
    systemctl start --no-block etcd.service
  fi
}
replay_log() {
  systemctl start --no-block etcd.service
  sleep "$REPLAY_SECONDS"
}
need_room_for_copy() {
  need_mb=$(($(wc -c <"$data_dir/member/snap/db") / 1048576 + SNAPSHOT_SPARE_MB)) folder=${saved%/*}
  [ "$(free_mb "$folder")" -ge "$need_mb" ] || refuse "the snapshot needs $need_mb MiB in $folder, and $(free_mb "$folder") MiB are free; free some, then run again"
}
copy_database() {
  folder=${saved%/*}
  [ -d "$folder" ] || install -d -m 0700 "$folder"
  new=$folder/.new-$name
  rm -f "$new"
  cp "$data_dir/member/snap/db" "$new"
  openssl dgst -sha256 -binary <"$data_dir/member/snap/db" >>"$new" # as etcd ends what it sends, so that every later check is the same
  { is_whole "$new" && read_back "$new"; } || give_up_snapshot "the database of $name $problem"
  sync_file "$new"
  mv "$new" "$saved"
}
