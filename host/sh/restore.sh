# stage: what a member starts from after a restore is laid out beside its data, verified, while everything still runs.
# before: the same everywhere, and no quorum that would be stopped for it? membership: records of the cluster before go.

RESERVE_MB=1024 # left free beside what is laid out: the old data stays

# As tokenAfter in cluster/restore.ts: a restore by hand and one by the stack come to the same cluster.
restored_token() { # TOKEN SHA256 ID
  printf '%s-%s\n' "${1%-*}" "$(printf '%s %s %s' "$1" "$2" "$3" | sha256sum | cut -c1-8)"
}

cmd_stage() { # stdin: "== FILE" and its content, for identity, store.key and store-ca.crt; by hand the identity alone
  need_root
  take_lock
  work=$(mktemp -d "$RUN_DIR/.stage-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  age_identity=$work/identity # gone with this run
  if [ -n "$name" ]; then keep_sent; else stage_by_hand; fi
  need name "$name" version "$version" data-dir "$data_dir" snapshot "$snapshot" sha256 "$sha256" \
    bump-revision "$bump_revision" initial-cluster "$initial_cluster" initial-token "$initial_token" peer-url "$peer_url"
  need_this_member
  # a new machine knows of no store yet; the timers that are here go on with the one that they were given
  if [ -n "$store" ]; then STORE_DIR=$work/store && mkdir "$STORE_DIR" && write_store; fi
  if ! has_data_of "$initial_token" && ! is_laid_out; then stage_snapshot; fi
  say_staged
}
# Without the stack: what it would have told this host stands in what it told it last.
stage_by_hand() {
  [ -n "$snapshot" ] || usage "which snapshot? etcd-host stage NAME"
  case $snapshot in *.age) cat >"$age_identity" ;; esac
  name=$(mark_value name) data_dir=$(mark_value data_dir) version=${version:-$(linked_version)}
  [ -n "$name" ] || refuse "this host has not been prepared"
  before=$(bootstrap_value CLUSTER_TOKEN) peer_url=$(bootstrap_value ADVERTISE_PEER_URLS)
  [ -n "$before" ] || refuse "$ETC_DIR/bootstrap.env does not say which cluster $name is of; put it back, then run again"
  initial_cluster=${initial_cluster:-$(bootstrap_value CLUSTER)}
  [ -n "$sha256" ] || { look_for_snapshot && sha256=$(digest_of "$found"); } ||
    refuse "$name has no snapshot $snapshot in $(snapshots_dir), and without its sha256 it cannot be fetched: add --sha256=…"
  restore_id=${restore_id:-1} bump_revision=${bump_revision:-1000000000}
  [ "$(staged_value sha256) $(staged_value id)" != "$sha256 $restore_id" ] || before=$(staged_value before)
  initial_token=$(restored_token "$before" "$sha256" "$restore_id")
  note "the cluster $before becomes $initial_token, with $initial_cluster: both must be the same on every host (--initial-cluster=…)"
  note "for the stack file: etcd:restore: {snapshot: $snapshot, sha256: $sha256, id: $restore_id}"
}
bootstrap_value() { sed -n "s/^ETCD_INITIAL_$1=//p" "$ETC_DIR/bootstrap.env" 2>/dev/null || :; } # SETTING

has_data_of() { # TOKEN
  [ ! -e "$STATE_DIR/switching" ] && has_wal "$data_dir" && [ "$(bootstrap_value CLUSTER_TOKEN)" = "$1" ]
}
# Beside the data, on the same disk: a mount or a link has it inside, where nothing else looks.
staged_dir() { # TOKEN
  if stays_in_place "$data_dir"; then echo "$data_dir/.staged-$1"; else echo "$data_dir.staged-$1"; fi
}
is_staged() { [ -d "$(staged_dir "$1")/member" ]; } # TOKEN
# The token is of the snapshot alone; the members, and what revisions go up by, may have been corrected since.
is_laid_out() {
  is_staged "$initial_token" && [ "$(staged_value token)" = "$initial_token" ] && [ "$(staged_value peer_url)" = "$peer_url" ] &&
    [ "$(staged_value initial_cluster)" = "$initial_cluster" ] && [ "$(staged_value line | cut -d' ' -f5)" = "$bump_revision" ]
}
staged_value() { sed -n "s/^$1=//p" "$STATE_DIR/staged" 2>/dev/null || :; } # KEY
forget_stages() { # TOKEN to keep, or none: copies of snapshots, which never ran
  for folder in "$data_dir".staged-* "$data_dir"/.staged-*; do
    if [ -d "$folder" ] && [ "$folder" != "$(staged_dir "$1")" ]; then rm -rf "$folder"; fi
  done
}

# It has its name only once it is whole. Whatever an earlier run left of it goes.
stage_snapshot() {
  forget_stages none
  staging=$(staged_dir "$initial_token").part
  trap 'rm -rf "$work" "$staging"' EXIT
  mkdir -p "$staging"
  fetch_snapshot
  unpack_snapshot
  need_revision
  need_minor
  need_room "$(mb_of "$raw")" "to be laid out"
  read_fields
  "$etcdutl" snapshot restore "$raw" --name="$name" --initial-cluster="$initial_cluster" --initial-cluster-token="$initial_token" \
    --initial-advertise-peer-urls="$peer_url" --data-dir="$staging/data" --bump-revision="$bump_revision" --mark-compacted >"$work/restore" 2>&1 ||
    fail "$name could not restore the snapshot: $(last_line <"$work/restore"); nothing was stopped"
  need_access
  chown -R etcd:etcd "$staging/data"
  chmod -R go= "$staging/data"
  write_staged
  sync_tree "$staging/data"
  mv "$staging/data" "$(staged_dir "$initial_token")"
}
last_line() { tail -n 1 | cut -c1-300; }
mb_of() { echo $(($(wc -c <"$1") / 1048576)); } # FILE
fetch_snapshot() { # sets $found
  look_for_snapshot || fetch_from_store
  is=$(digest_of "$found")
  [ "$is" = "$sha256" ] ||
    refuse "$name could not verify the snapshot $snapshot: its sha256 is $is, approved was $sha256; nothing was stopped"
}
look_for_snapshot() {
  for found in "$(snapshots_dir)/${snapshot##*/}" "$SNAPSHOTS/${snapshot##*/}"; do
    if [ -f "$found" ]; then return; fi
  done
  return 1
}
fetch_from_store() {
  need_room 0 "to be fetched"
  found=$staging/${snapshot##*/}
  fetch_packed "$snapshot" "$found" ||
    refuse "$name has no snapshot ${snapshot##*/}: $problem. Copy it to every host (npm run copy-snapshot -- ${snapshot##*/}), then run again; nothing was stopped"
}
unpack_snapshot() { # sets $raw
  case $found in
    *.db)
      raw=$found
      is_whole "$raw" || refuse "the snapshot $snapshot is not what a member sent: the sha256 at its end is not that of its bytes; nothing was stopped, choose another one"
      read_back "$raw" || refuse "the snapshot $snapshot $problem; nothing was stopped, choose another one"
      ;;
    *)
      raw=$staging/raw
      need_room "$(mb_of "$found")" "to be unpacked"
      unpack_packed "$found" "$sha256" "$raw" || refuse "$name cannot use the snapshot $snapshot: $problem; nothing was stopped"
      ;;
  esac
}
need_room() { # MB WHAT-FOR
  [ "$(free_mb "$staging")" -ge $(($1 + RESERVE_MB)) ] ||
    refuse "$name has $(free_mb "$staging") MiB free for $data_dir; the snapshot needs $1 $2 and leaves $RESERVE_MB alone, since the old data stays: free some, then run again; nothing was stopped"
}
# What a name says is what was reviewed.
need_revision() {
  case ${snapshot##*/} in
    *Z-r"$snapshot_revision"-* | [!0-9]*) ;;
    *) refuse "the snapshot $snapshot is of revision $snapshot_revision, which is not what its name says; nothing was stopped, choose another one" ;;
  esac
}
need_minor() {
  [ "$snapshot_minor" = "$(minor_of "$version")" ] ||
    refuse "the snapshot $snapshot is of etcd $snapshot_minor, and declared is $version; restore it with a version $snapshot_minor.x, then change the version in an up of its own; nothing was stopped"
}
read_fields() { hash=$(snapshot_field Hash) keys=$(snapshot_field Keys) bytes=$(snapshot_field Size); }
snapshot_field() { sed -n "s/^\"$1\" : \([0-9]*\)\$/\1/p" "$work/snapshot"; } # NAME

# With etcd's authentication on, this host asks as the user of its certificate: what was not given to root can do nothing.
need_access() {
  db=$staging/data/member/snap/db
  has_authentication "$db" || return 0
  ! openssl x509 -in "$ETC_DIR/pki/operator.crt" -noout -subject | grep -q 'CN *= *root$' || return 0
  "$etcdutl" defrag --data-dir="$staging/data" >"$work/restore" 2>&1 || # so that nothing is in it that was written over
    fail "$name could not read the snapshot: $(last_line <"$work/restore"); nothing was stopped"
  ! has_authentication "$db" ||
    refuse "etcd's authentication is on in the snapshot, and etcd:rbac is not set: nothing could ask the restored cluster. Set rbac to true, which keeps it on, or to false, which turns it off, together with the restore; nothing was stopped"
}
has_authentication() { grep -aq "$(printf 'authEnabled\001')" "$1"; } # DB

write_staged() {
  cat <<LINES | write_file "$STATE_DIR/staged" 600 root:root
token=$initial_token
before=${before:-$(mark_value cluster)}
snapshot=$snapshot
sha256=$sha256
id=${restore_id:-}
initial_cluster=$initial_cluster
peer_url=$peer_url
version=$version
line=$hash $snapshot_revision $keys $bytes $bump_revision
LINES
}
# For the step that judges it: what was laid out, whether this host sees a quorum that a restore would end, and its revision.
say_staged() {
  [ -n "$etcdctl" ] || refuse "$NO_ETCDCTL"
  line='0 0 0 0 0' members_of=$initial_cluster
  [ "$(staged_value token)" != "$initial_token" ] || { line=$(staged_value line) members_of=$(staged_value initial_cluster); }
  if sees_other_quorum; then sees=quorum; else sees=none; fi
  say "staged $line $sees $(newest_revision) $(cluster_id_of "$initial_token" "$members_of")"
}
sees_other_quorum() {
  query_cluster || return 1
  seen=$(sed -n 's/^"ClusterID" : //p' "$work/listed.fields" | head -n 1)
  [ "$(printf '%016x' "${seen:-0}")" != "$(cluster_id_of "$initial_token" "$initial_cluster")" ]
}
# Of any member of the cluster before that answers, also without a quorum.
newest_revision() {
  [ -s "$work/status.fields" ] || ctl --endpoints=https://127.0.0.1:2379 endpoint status -w fields >"$work/status.fields" 2>/dev/null || :
  restored_id=$(cluster_id_of "$initial_token" "$initial_cluster")
  newest=$(awk '$1 == "\"ClusterID\"" { id = $3 } $1 == "\"Revision\"" { print id + 0 == 0 ? 0 : id, $3 }' "$work/status.fields" |
    while read -r of at_revision; do
      [ "$(printf '%016x' "$of")" = "$restored_id" ] || echo "$at_revision"
    done | sort -n | tail -n 1)
  echo "${newest:-0}"
}
# As etcd makes it: of the members' IDs, which are made of their URLs and the token.
cluster_id_of() { # TOKEN INITIAL-CLUSTER
  member_ids=$(printf '%s\n' "$2" | tr ',' '\n' | sed 's/^[^=]*=//' | while read -r url; do
    printf '%s%s' "$url" "$1" | sha1sum | cut -c1-16
  done | sort)
  # shellcheck disable=SC2059 # octal bytes, which only a format can be
  printf "$(printf '%s\n' "$member_ids" | awk -v digits=0123456789abcdef '{
    for (i = 1; i < 16; i += 2) printf "\\%03o", 16 * (index(digits, substr($0, i, 1)) - 1) + index(digits, substr($0, i + 1, 1)) - 1 }')" |
    sha1sum | cut -c1-16
}

# before: nothing has stopped yet. Once this host has served as a member of it, the cluster is restored, and like any other.
is_to_be_restored() {
  data_dir=$(mark_value data_dir)
  [ -n "$restore" ] && ! { has_data_of "$restore" && has_served; }
}
judge_restore() {
  [ -n "$etcdctl" ] || choose_etcdctl # "could not ask" is not "no quorum"
  [ -n "$etcdctl" ] || refuse "$NO_ETCDCTL"
  need_same_data
  refuse_healthy_cluster
  refuse_seen_revisions
  say "every host has laid out the same data: $restored_keys keys, at revision $restored_revision"
}
# NODE HASH REVISION KEYS BYTES BUMP SEES NEWEST CLUSTER of each host
need_same_data() {
  # shellcheck disable=SC2046 # words
  set -- $(printf '%s' "$staged" | awk '{ print $2, $3, $4, $6, $9 }' | sort -u | head -n 2)
  [ $# = 5 ] || refuse "the hosts have not laid out the same data ($(printf '%s' "$staged" | awk '{ print $1 " " $2 }' | paste -s -d',' -)); nothing was stopped: raise checkId, then run again"
  restored_revision=$2 restored_keys=$3 restored_bump=$4
  for member in $members; do
    printf '%s' "$staged" | grep -q "^${member%%=*} " || refuse "${member%%=*} has not said what it laid out; nothing was stopped: raise checkId, then run again"
  done
}
refuse_healthy_cluster() {
  initial_token=$restore
  initial_cluster=$(for member in $members; do echo "${member%%=*}=$(peer_url_of "$member")"; done | paste -s -d, -)
  seen_from=$(printf '%s' "$staged" | awk '$7 == "quorum" { print $1 }' | paste -s -d' ' -)
  newest_now=$(printf '%s' "$staged" | awk '{ print $8 }' | sort -n | tail -n 1)
  if sees_other_quorum; then
    seen_from=$(hostname) newest_now=$({ echo "$newest_now"; newest_revision; } | sort -n | tail -n 1)
  fi
  [ -n "$seen_from" ] || return 0
  lost=$((newest_now - restored_revision))
  allowed restore-healthy-cluster ||
    refuse "the cluster is healthy, as seen from $seen_from (revision $newest_now); a restore would lose what was written since r$restored_revision, $lost revisions: allow it by etcd:allow: [restore-healthy-cluster]; nothing was stopped"
  note "the cluster is healthy, and is restored all the same: what was written since r$restored_revision is lost, $lost revisions"
}
# Whoever watches must never see a revision twice.
refuse_seen_revisions() {
  [ "$newest_now" -lt $((restored_revision + restored_bump)) ] ||
    refuse "the cluster is at revision $newest_now, more than the snapshot's plus bumpRevision: raise bumpRevision above $((newest_now - restored_revision)); nothing was stopped"
}

# membership: what the snapshot has of the cluster that it was taken of is no record of this one.
RESTORED=etcd-host/cluster
RECORDS_BEFORE='etcd-host/members/ etcd-host/steps/ etcd-host/machines/ etcd-host/joining/ etcd-host/rebuilding/ etcd-host/restart/ etcd-host/backup'
forget_records_before() {
  {
    printf 'value("%s") = "%s"\n\nget %s\n\n' "$RESTORED" "$restore" "$RESTORED"
    for record in $RECORDS_BEFORE; do echo "del --prefix $record"; done
    printf 'put %s %s\n\n' "$RESTORED" "$restore"
  } | ctl --endpoints="$(healthy_urls_but none)" txn >"$work/records" 2>&1 ||
    fail "the records of the cluster before the restore cannot be removed: $(plain_answer <"$work/records"); run again"
}
