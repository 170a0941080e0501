# Snapshots: one is saved and verified before each change of the minor, and the newest of them are kept.

SNAPSHOTS=$STATE_DIR/snapshots # where etcd:backup.directory names no other place
KEPT_SNAPSHOTS=5
SNAPSHOT_SECONDS=300   # and one more for each 4 MiB: a slow disk has its time, a member that hangs is given up
SNAPSHOT_SPARE_MB=200  # left free beside it

snapshots_dir() { chosen=$(mark_value snapshots); echo "${chosen:-$SNAPSHOTS}"; }

save_snapshot_before_minor() {
  agreed=$(cluster_version "$(but_me)")
  if [ -n "$agreed" ] && [ "$agreed" != "$(minor_of "$version")" ]; then save_snapshot "$agreed"; fi
}
save_snapshot() { # MINOR: that it was taken of; verified, and kept for the operator
  url=$(client_url_of "$(my_id)")
  is_healthy "$url" || url=$(healthy_urls_but none | cut -d, -f1)
  here=$(mark_value name)
  file=$(snapshots_dir)/etcd-$1-$(timestamp)${here:+-$here}.db
  take_snapshot "$url" "$file" "before the change of the minor"
  note "saved and verified the snapshot $file"
  prune_snapshots "$file"
}

# A snapshot has its name only once it is whole: verified, and on the disk.
take_snapshot() { # URL FILE WHY
  mkdir -p "$RUN_DIR"
  exec 8>"$RUN_DIR/lock-snapshot"
  wait_for_lock 8
  folder=${2%/*}
  size_mb=$(db_mb "$1")
  [ -n "$size_mb" ] || fail "a snapshot $3 cannot be saved: $1 does not say how large its database is; nothing was changed, run again"
  want=$((size_mb + SNAPSHOT_SPARE_MB))
  [ "$(free_mb "$folder")" -ge "$want" ] ||
    refuse "a snapshot $3 needs $want MiB in $folder, and $(free_mb "$folder") MiB are free; free some, then run again"
  [ -d "$folder" ] || install -d -m 0700 "$folder"
  new=$folder/.new-$(mark_value name)
  rm -f "$new" "$new.part"
  ctl --endpoints="$1" --command-timeout="$((SNAPSHOT_SECONDS + size_mb / 4))s" snapshot save "$new" >"$work/snapshot" 2>&1 ||
    give_up_snapshot "a snapshot $3 cannot be saved: $(plain_answer <"$work/snapshot")"
  is_whole "$new" || give_up_snapshot "the snapshot $3 is not what the member sent: its sha256 differs"
  read_back "$new" || give_up_snapshot "the snapshot $3 $problem"
  sync_file "$new"
  mv "$new" "$2"
  exec 8>&-
}
give_up_snapshot() { # SENTENCE
  rm -f "$new" "$new.part"
  fail "$1; nothing was changed, run again"
}
# Fills $snapshot_revision and $snapshot_minor. Only 3.6 and newer say the format that the data is stored in, and not before
# a cluster is some seconds old: until then the version that it has agreed on tells it from one of 3.5.
read_back() { # FILE
  # a cluster that was never proven is checked before all is installed
  etcdutl=$(find_verified etcdutl "$version" "$(linked_version)" "$(installed_version)")
  [ -n "$etcdutl" ] || say_problem "cannot be checked: no etcdutl on this host is what was installed from an archive with a declared sha256" || return 1
  timeout "$((SNAPSHOT_SECONDS + $(wc -c <"$1") / 4194304))" "$etcdutl" snapshot status "$1" -w fields >"$work/snapshot" 2>&1 ||
    say_problem "cannot be read back: $(plain_answer <"$work/snapshot")" || return 1
  snapshot_revision=$(sed -n 's/^"Revision" : //p' "$work/snapshot")
  snapshot_minor=$(sed -n 's/^"Version" : "\{0,1\}\([0-9]*\.[0-9]*\).*/\1/p' "$work/snapshot")
  [ -z "$snapshot_minor" ] || return 0
  snapshot_minor=$(minor_of "${version:-$(linked_version)}")
  grep -aqF "clusterVersion$snapshot_minor." "$1" || snapshot_minor=3.5
}
# etcd appends the sha256 of all that it sends. Nothing compares it before a restore, `etcdutl snapshot status` neither.
is_whole() { # FILE
  bytes=$(wc -c <"$1")
  [ $((bytes % 512)) = 32 ] || return 1
  appended=$(tail -c 32 "$1" | od -A n -v -t x1 | tr -d ' \n')
  [ "$(head -c $((bytes - 32)) "$1" | sha256sum | cut -d' ' -f1)" = "$appended" ]
}
db_mb() { # URL
  ctl --endpoints="$1" endpoint status -w fields 2>/dev/null | status_rows | awk -F'|' '{ print int($7 / 1048576) }'
}

# Only what this program saved and verified here is ever removed, and the newest of it never.
prune_snapshots() { # FILE: the newest
  taken=$STATE_DIR/snapshots-taken
  { cat "$taken" 2>/dev/null || :; echo "$1"; } | while read -r file; do
    [ ! -e "$file" ] || echo "$file"
  done >"$work/taken"
  surplus=$(($(wc -l <"$work/taken") - KEPT_SNAPSHOTS))
  [ "$surplus" -ge 0 ] || surplus=0
  head -n "$surplus" "$work/taken" | while read -r file; do
    rm -f "$file"
    note "removed the old snapshot $file: the newest $KEPT_SNAPSHOTS are kept"
  done
  tail -n "+$((surplus + 1))" "$work/taken" | write_file "$taken" 600 root:root
}

# For `npm run client -- snapshot save FILE` where the workstation has no etcdctl: the snapshot goes to stdout.
cmd_send_snapshot() {
  need_root
  mkdir -p "$RUN_DIR"
  work=$(mktemp -d "$RUN_DIR/.snapshot-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  [ -n "$endpoints" ] || endpoints=$(healthy_endpoint "$(member_endpoints)")
  [ -n "$endpoints" ] || refuse "$NO_HEALTHY_MEMBER$(why_silent)"
  sent=$(snapshots_dir)/.sent-$(mark_value name)
  take_snapshot "$endpoints" "$sent" "to be sent"
  exec 7<"$sent"
  rm -f "$sent" # gone with this run, however it ends
  cat <&7
}
NO_HEALTHY_MEMBER="no member is healthy, so a snapshot may lack the last writes; add --endpoints=URL to take it of one that still runs"
