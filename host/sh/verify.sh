# verify: is this host as declared? Changes nothing of it. Each step left the digests of what it wrote (declare_files);
# with --declared the stack sends what it declared itself, so that a host's own records are checked as well.

declare_files() { # STEP FILE...
  step=$1
  shift
  sha256sum "$@" | write_file "$STATE_DIR/declared-$step" 600 root:root
}

cmd_verify() { # stdin with --declared: lines `file SHA256 PATH`, `release VERSION SHA256-AMD64 SHA256-ARM64`, `member …`
  need_root
  verify_name=$(mark_value name) data_dir=$(mark_value data_dir)
  differs=0
  if [ -n "$declared" ]; then read_declared; fi
  if [ -z "$verify_name" ]; then
    [ -n "$declared" ] || refuse "this host has not been prepared"
    report_difference "this host has not been prepared"
  else
    verify_records
    verify_modes
    verify_service
    verify_upkeep
    if [ -n "$declared" ]; then verify_declared; fi
  fi
  if [ -n "$declared" ] && [ -d "$STATE_DIR" ]; then (record_verify) || :; fi # a full disk is a difference, not the end
  [ "$differs" = 0 ] || exit 5
  say "$verify_name is as declared"
}
report_difference() { differs=$((differs + 1)); say "differs: $*"; }

verify_records() {
  told=''
  for list in "$STATE_DIR"/declared-*; do
    [ -s "$list" ] || continue
    changed=$(changed_of "$list")
    for file in $changed; do report_difference "$file is not what was declared"; done
    told="$told $changed"
  done
}

# Those that are not, or not any more, what it says.
changed_of() { # LIST: "DIGEST  PATH" lines
  # shellcheck disable=SC2046 # paths of ours, without blanks
  hash_files $(cut -c 67- "$1") 2>/dev/null | grep -vxF -f - "$1" | cut -c 67-
}

# "MODE OWNER:GROUP PATH" of every file that the steps write, and of the data.
declared_modes() {
  echo "755 root:root $PROGRAM"
  echo "644 root:root $UNIT_FILE"
  echo "640 root:etcd $ETC_DIR/bootstrap.env"
  upkeep_modes
  for file in $(pki_files "$ETC_DIR/pki"); do echo "$(pki_mode "$file") $ETC_DIR/pki/$file"; done
  awk '{ print "755 root:root " $2 }' "$STATE_DIR/declared-install" 2>/dev/null || :
  echo "700 etcd:etcd $(readlink -f "$data_dir" || echo "$data_dir")"
}
verify_modes() {
  while read -r mode owner_group file; do
    is=$(stat -c '%a %U:%G' "$file" 2>/dev/null || echo missing)
    [ "$is" = "$mode $owner_group" ] || report_difference "$file is $is, declared $mode $owner_group"
  done <<MODES
$(declared_modes)
MODES
}

verify_service() {
  has_wal "$data_dir" || report_difference "$data_dir holds no WAL"
  [ "$(systemctl is-enabled etcd.service 2>/dev/null)" = enabled ] || report_difference "etcd.service is not enabled"
  is_ready || report_difference "etcd.service is $(unit_property ActiveState)"
  ended=$(why_silent)
  [ -z "$ended" ] || report_difference "${ended#; }"
  for file in $(drop_ins); do report_difference "$file changes the unit"; done
  if is_running; then
    started=$RUN_DIR/started/unit
    declared_unit=$(awk -v file="$UNIT_FILE" '$2 == file { print $1 }' "$STATE_DIR/declared-member" 2>/dev/null || :)
    [ ! -e "$started" ] || [ "$(sha256sum <"$started" | cut -d' ' -f1)" = "$declared_unit" ] || report_difference "the running process has another unit"
    for part in $(differences "$started" | tr ' ' '-'); do report_difference "the running process has another $part"; done
  fi
}

read_declared() {
  declared_files='' release=''
  while read -r word first second third fourth; do
    case $word in
      file) declared_files="$declared_files$first  $second
" ;;
      release) release="$first $second $third" ;;
      member) members="${members:+$members }$first=$second=$third=$fourth" ;;
      auth | user | grant) add_wanted_access "$word $first $second $third $fourth" ;;
    esac
  done
}

verify_declared() {
  [ "$verify_name" = "$name" ] || report_difference "this host is prepared for $verify_name, declared is $name"
  [ "$(mark_value incarnation)" = "$incarnation" ] || report_difference "this host has incarnation $(mark_value incarnation), declared is $incarnation"
  changed=$(printf '%s' "$declared_files" | sha256sum --check --quiet 2>/dev/null | cut -d: -f1)
  for file in $changed; do
    has_line "$(printf '%s' "$told" | tr ' ' '\n')" "$file" || report_difference "$file is not what the stack declares"
  done
  verify_release
  if is_ready; then verify_member_list; fi
}

verify_release() {
  # shellcheck disable=SC2086 # three words
  set -- $release
  [ $# = 3 ] || return 0
  case $(host_arch) in amd64) wanted=$2 ;; *) wanted=$3 ;; esac
  [ "$(archive_of "$1")" = "$wanted" ] || report_difference "etcd $1 is not installed from the declared archive"
  for binary in $BINARIES; do
    [ "$(readlink "$LINK_DIR/$binary" || :)" = "$OPT_DIR/$1/$binary" ] || report_difference "$LINK_DIR/$binary is not a link to $OPT_DIR/$1/$binary"
  done
}

verify_member_list() {
  work=$(mktemp -d "$RUN_DIR/.verify-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  ctl --endpoints=https://127.0.0.1:2379 member list -w fields 2>/dev/null | member_rows >"$work/members"
  if ! [ -s "$work/members" ]; then report_difference "etcd does not list its members"; return; fi
  awk -F'|' '$5 == "true" && $2 != "" { print $2 }' "$work/members" >"$work/learners"
  declared_rows >"$work/declared"
  listed_rows "$work/members" >"$work/listed"
  while IFS='|' read -r listed peers clients; do
    has_line "$(cat "$work/declared")" "$listed|$peers|$clients" || report_difference "the member list has ${listed:-a member that never started} at $peers, which is not declared"
  done <"$work/listed"
  while IFS='|' read -r wanted peers clients; do
    has_line "$(cat "$work/listed")" "$wanted|$peers|$clients" || report_difference "the member list does not have $wanted at $peers"
  done <"$work/declared"
  verify_access
  while read -r learner; do report_difference "$learner is still a learner"; done <"$work/learners"
}

# For `npm run status`: the only thing that a verify writes, in this program's own folder.
record_verify() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$differs" | write_file "$STATE_DIR/last-verify" 600 root:root; }
