# backup: one snapshot of this member, verified, packed and kept here, and put into the store where there is one.

RECORD=etcd-host/backup # of the last that reached the store: TIME REVISION BYTES SHA256 NAME MEMBER
TIME_NAMED='[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z'
TURN=etcd-host/backup-turn
LEADER_SECONDS=20 # that the leader leaves to the others, which have less to do
SKEW_SECONDS=60   # by which another host's clock may be ahead
TURN_SECONDS=1800 # to wait for the turn: half an interval, and no longer than this

cmd_backup() { # [--if-older=SECONDS] [--by-timer]
  need_root
  name=$(mark_value name) data_dir=$(mark_value data_dir)
  [ -n "$name" ] || refuse "this host has not been prepared"
  has_backup || refuse "no backup is configured on this host; set etcd:backup, then run 'pulumi up'"
  mkdir -p "$RUN_DIR"
  exec 7>"$RUN_DIR/lock-backup"
  wait_for_lock 7
  work=$(mktemp -d "$RUN_DIR/.backup-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  code=0
  (trap drop_cluster_lock EXIT; back_up) 2>"$work/said" || code=$?
  cat "$work/said" >&2
  failed=''
  case $code in
    0) rm -f "$STATE_DIR/backup-error" || failed=yes ;;
    4) if is_overdue; then failed=yes; fi ;; # another member is at it, or should be
    *) failed=yes ;;
  esac
  # on a full disk too node_exporter hears of it
  if [ -n "$failed" ]; then record_backup_error || note "it cannot be noted for 'npm run status' either; see the line above"; fi
  write_metrics
  exit "$code"
}
record_backup_error() {
  sed -n '$s/^etcd-host: \(failed: \|refused: \)\{0,1\}//p' "$work/said" | sed "s/^/$(date -u +%Y-%m-%dT%H:%M:%SZ) /" |
    write_file "$STATE_DIR/backup-error" 600 root:root
}

back_up() {
  is_running || fail "etcd does not run on $name, so there is nothing to save; see 'etcd-host status'"
  folder=$(snapshots_dir)
  if [ -n "$by_timer" ]; then if_older=$(($(upkeep_value interval) * 9 / 10)); fi
  read_record || note "the cluster does not answer, so the snapshot has what this member knows: $(plain_answer <"$work/record.log")"
  if is_young; then return; fi
  if has_store && [ -n "$agreed_revision" ]; then
    take_turn
    if is_young; then return; fi
  fi
  [ -d "$folder" ] || install -d -m 0700 "$folder"
  rm -f "$folder"/.new-*.db.gz* "$folder/.backup.db"
  make_room
  save_packed
  send_packed
  prune_packed "$(upkeep_value keep)"
  [ -z "$unnoted" ] || fail "the snapshot is saved, and that cannot be noted in $STATE_DIR; free some of that disk"
}

# Read through this member, which knows as much as the cluster has agreed on once it answers.
read_record() {
  agreed_revision='' last_time=''
  ctl --endpoints=https://127.0.0.1:2379 get "$RECORD" -w fields >"$work/record" 2>"$work/record.log" || return 1
  agreed_revision=$(sed -n 's/^"Revision" : //p' "$work/record")
  if has_store; then
    recorded=$(sed -n 's/^"Value" : "\(.*\)"$/\1/p' "$work/record")
    is_record "$recorded" || recorded=''
  else
    recorded=$(cat "$STATE_DIR/last-backup" 2>/dev/null || :)
  fi
  last_time=${recorded%% *}
}
# Any client may write that key where there is no RBAC: what no run of this cluster would have written is no record.
is_record() { # VALUE
  printf '%s\n' "$1" |
    grep -Eqx "$TIME_NAMED [0-9]{1,19} [0-9]{1,19} [0-9a-f]{64} [A-Za-z0-9._-]+/(hourly|daily)/[A-Za-z0-9._-]+ [A-Za-z0-9._-]+" || return 1
  case $1 in *" $(mark_value cluster)/"*"/${1%% *}-r"*) ;; *) return 1 ;; esac
}
# Whoever has the turn and ends, or freezes, loses it, and the next one takes the snapshot.
take_turn() {
  ctl --endpoints=https://127.0.0.1:2379 alarm list >"$work/alarms" 2>/dev/null || :
  if grep -q 'alarm:' "$work/alarms"; then
    note "an alarm blocks all writes, even the turn of one member at a time: this one goes on alone"
    return
  fi
  if [ -n "$by_timer" ] && leads_here; then sleep "$LEADER_SECONDS"; fi
  lock_name=$TURN LOCK_SECONDS=$(($(upkeep_value interval) / 2))
  [ "$LOCK_SECONDS" -le "$TURN_SECONDS" ] || LOCK_SECONDS=$TURN_SECONDS
  if is_overdue; then goes_alone=yes; fi
  take_cluster_lock https://127.0.0.1:2379
  read_record || fail "the cluster does not say when the last backup was: $(plain_answer <"$work/record.log")"
}
leads_here() {
  ctl --endpoints=https://127.0.0.1:2379 endpoint status -w fields 2>/dev/null | status_rows | awk -F'|' '{ exit !($2 == $4) }'
}
# More than may be, since the last that this host knows of: with a store, of those that are in it.
is_overdue() {
  if has_store; then where=store; else where='[a-z]*'; fi
  known=$(sed -n "s/ .* $where\$//p" "$STATE_DIR/last-backup" 2>/dev/null || :)
  since=$(seconds_of "$(rfc_time "${known:-$(upkeep_value since)}")")
  [ -n "$since" ] || return 0
  age=$(($(date +%s) - since))
  [ "$age" -gt "$(upkeep_value max_age)" ] || [ "$age" -lt "-$SKEW_SECONDS" ]
}
is_young() {
  [ -n "$last_time" ] || return 1
  last_seconds=$(seconds_of "$(rfc_time "$last_time")")
  [ -n "$last_seconds" ] || return 1
  age=$(($(date +%s) - last_seconds))
  [ "$age" -lt "${if_older:-0}" ] && [ "$age" -ge "-$SKEW_SECONDS" ] || return 1
  if has_store; then
    is_in_store || { note "the record of the last backup is not believed: $problem"; return 1; }
    printf '%s\n' "$recorded store" | write_file "$STATE_DIR/last-backup" 600 root:root ||
      fail "the last backup is of $last_time, and that cannot be noted in $STATE_DIR; free some of that disk"
  fi
  say "the last backup is of $last_time: nothing to do"
}
# A record alone would end all backups, whoever wrote it.
is_in_store() {
  # shellcheck disable=SC2086 # words, and no pattern
  set -- $recorded
  store_has "$5" "$3"
}
rfc_time() { printf '%s\n' "$1" | sed 's/^\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z$/\1-\2-\3T\4:\5:\6Z/'; } # 20261127T060000Z

# The database, and as much again where it does not compress. What is kept makes room before a disk fills up.
make_room() {
  size_mb=$(db_mb https://127.0.0.1:2379)
  [ -n "$size_mb" ] || fail "no snapshot can be saved: etcd on $name does not say how large its database is"
  need_mb=$((2 * size_mb)) reserve=$(upkeep_value reserve)
  has_room || remove_for_room
  has_room || refuse "$name has $(free_mb "$folder") MiB free in $folder; a snapshot needs $need_mb and leaves $reserve alone: mount a disk there (etcd:backup.directory), or lower etcd:backup.reserveMiB"
}
has_room() { [ "$(free_mb "$folder")" -ge $((need_mb + reserve)) ]; }
# The oldest first, only as many as it takes, and never the newest. Where all of them would not do, none goes.
remove_for_room() {
  missing=$(((need_mb + reserve - $(free_mb "$folder")) * 1048576))
  packed_files "$folder" | sed '$d' >"$work/packed"
  : >"$work/surplus"
  while [ "$missing" -gt 0 ] && read -r old; do
    missing=$((missing - $(wc -c <"$old")))
    echo "$old" >>"$work/surplus"
  done <"$work/packed"
  [ "$missing" -le 0 ] || return 0
  while read -r old; do
    rm -f "$old" "$old.sha256"
    note "removed the old $old: the disk is full"
  done <"$work/surplus"
}

save_packed() {
  taken=$(timestamp)
  take_snapshot https://127.0.0.1:2379 "$folder/.backup.db" "for the backup"
  raw_file=$folder/.backup.db
  if [ -n "$agreed_revision" ] && [ "$snapshot_revision" -lt "$agreed_revision" ]; then
    rm -f "$raw_file"
    fail "the snapshot is of revision $snapshot_revision, and the cluster was at $agreed_revision before: it is not kept"
  fi
  recipients=$(upkeep_value recipients | tr ',' ' ')
  packed_as=$(packed_name "$taken" "$snapshot_revision" "$snapshot_minor" "$name" "${agreed_revision:+quorum}")${recipients:+.age}
  # shellcheck disable=SC2086 # a word each
  pack_snapshot "$raw_file" "$folder/$packed_as" $recipients || { rm -f "$raw_file" "$folder/.new-$packed_as"; fail "$problem"; }
  rm -f "$raw_file" # nothing in clear stays where it is encrypted
  kept=$folder/$packed_as
  bytes=$(wc -c <"$kept")
  digest=$(packed_digest "$kept")
  unnoted=''
  keep_last here "$packed_as" || unnoted=yes # what is saved goes into the store all the same
  note "saved and verified $kept: revision $snapshot_revision, $bytes bytes"
}
keep_last() { # here|store NAME
  printf '%s\n' "$taken $snapshot_revision $bytes $digest $2 $name $1" | write_file "$STATE_DIR/last-backup" 600 root:root
}

# Without a quorum nothing is told to the store either: what is there is what the cluster had agreed on.
send_packed() {
  if ! has_store || [ -z "$agreed_revision" ]; then return 0; fi
  [ "$recipients" = "$(upkeep_value recipients | tr ',' ' ')" ] ||
    fail "other recipients were set meanwhile: the snapshot is in $folder only, and the next one goes into the store"
  key=$(mark_value cluster)/$(stored_among)/$packed_as
  for ending in '' .sha256; do
    store_put "$kept$ending" "$key$ending" || fail "the snapshot is in $folder only: $problem"
  done
  keep_last store "$key" || unnoted=yes
  [ ! -s "$work/alarms" ] || return 0
  ctl --endpoints=https://127.0.0.1:2379 put "$RECORD" "$taken $snapshot_revision $bytes $digest $key $name" >"$work/record.log" 2>&1 ||
    fail "the snapshot is in the store as $key, and the cluster does not record it: $(plain_answer <"$work/record.log")"
  note "it is in the store as $key"
}
# The first one of a day has a folder of its own, so that a bucket's rules can keep it longer.
stored_among() { if [ "${last_time%%T*}" = "${taken%%T*}" ]; then echo hourly; else echo daily; fi; }

prune_packed() { # COUNT: of the newest to keep, and what was just saved is one of them
  packed_files "$folder" | grep -vxF "$kept" >"$work/packed" || :
  surplus=$(($(wc -l <"$work/packed") + 1 - $1))
  [ "$surplus" -gt 0 ] || return 0
  head -n "$surplus" "$work/packed" | while read -r old; do
    rm -f "$old" "$old.sha256"
    note "removed the old $old: the newest $1 are kept"
  done
}

# For node_exporter, which may read it, from a folder that may be its own: nothing there is written through, and nothing is
# changed by its name. Where a link leads to a device or a FIFO, the shell's own noclobber would write to it.
write_metrics() {
  metrics_file=$(upkeep_value metrics_file)
  [ -n "$metrics_file" ] || return 0
  metrics >"$work/metrics"
  rm -f "$metrics_file.new"
  { (umask 022; dd conv=excl status=none if="$work/metrics" of="$metrics_file.new") && mv -fT "$metrics_file.new" "$metrics_file"; } ||
    fail "cannot write $metrics_file (etcd:backup.metricsFile); see the line above"
}
metrics() {
  labels="{cluster=\"$(mark_value cluster)\",member=\"$name\"}"
  if [ -s "$STATE_DIR/last-backup" ]; then
    read -r taken snapshot_revision bytes _ <"$STATE_DIR/last-backup"
    echo "etcd_host_backup_last_timestamp_seconds$labels $(seconds_of "$(rfc_time "$taken")")"
    echo "etcd_host_backup_last_revision$labels $snapshot_revision"
    echo "etcd_host_backup_last_bytes$labels $bytes"
  fi
  echo "etcd_host_backup_max_age_seconds$labels $(upkeep_value max_age)"
  echo "etcd_host_backup_failed$labels $(has_failed)"
}
has_failed() { if [ -n "$failed" ] || [ -e "$STATE_DIR/backup-error" ]; then echo 1; else echo 0; fi; }

# For `npm run backups`: "here|store NAME BYTES SHA256", the newest last.
LISTED=50
cmd_snapshots() { # [--stored]
  need_root
  mkdir -p "$RUN_DIR"
  work=$(mktemp -d "$RUN_DIR/.snapshots-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  if [ -n "$stored" ]; then list_stored; return; fi
  packed_files "$(snapshots_dir)" | while read -r file; do
    say "here ${file##*/} $(wc -c <"$file") $(packed_digest "$file")"
  done
}
list_stored() {
  has_store || return 0
  problem=''
  store_list "$(mark_value cluster)/" >"$work/listed" || fail "$problem"
  grep -v '\.sha256 ' "$work/listed" | sort -t/ -k3 | tail -n "$LISTED" >"$work/newest"
  while read -r key bytes; do
    store_get "$key.sha256" "$work/digest" || continue # an upload that was cut off
    say "store $key $bytes $(head -c 64 "$work/digest" | tr -cd 0-9a-f)"
  done <"$work/newest"
}
