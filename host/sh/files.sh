# Files: written whole or not at all, and data only ever moved aside.

need_root() { [ "$(id -u)" = 0 ] || refuse "etcd-host must run as root (sudo)"; }

# One run at a time on a host. A run whose connection was cut may still be at work: wait for it.
take_lock() {
  mkdir -p "$RUN_DIR"
  exec 9>"$RUN_DIR/lock"
  wait_for_lock 9
}
# Binaries and certificates are written side by side, each into folders of their own, and nothing else beside them.
share_lock() { # STEP
  mkdir -p "$RUN_DIR"
  exec 8>"$RUN_DIR/lock-$1" 9>"$RUN_DIR/lock"
  wait_for_lock 8
  wait_for_lock --shared 9
}
wait_for_lock() { # [--shared] FILE-DESCRIPTOR
  flock -w 5 "$@" && return 0 # two steps of one host may come at once
  note "waiting for another run of etcd-host on this host"
  flock -w "$LOCK_SECONDS" "$@" || {
    note "another run of etcd-host still holds $RUN_DIR/lock; see 'ps -ef | grep etcd-host' on this host, then run again"
    exit 4
  }
  # Whoever called may have gone meanwhile, and a newer run may have been here: then there is nothing to do.
  printf '%s\n' "etcd-host: the other run has ended" >&2 || exit 4
}

# write_file PATH MODE OWNER:GROUP <content: the old or the new content is there at any moment, never a part.
write_file() {
  unfinished=$(mktemp "${1%/*}/.new-XXXXXX") || fail "cannot write in ${1%/*}"
  if cat >"$unfinished" && chown "$3" "$unfinished" && chmod "$2" "$unfinished" && sync_file "$unfinished" &&
    mv -f "$unfinished" "$1" && sync_file "${1%/*}"; then
    label_files "$1"
  else
    rm -f "$unfinished"
    fail "cannot write $1; see the line above (a full or read-only disk?)"
  fi
}
sync_file() { sync "$1" 2>/dev/null || sync; }
sync_tree() { sync -f "$1" 2>/dev/null || sync; }
has_mode() { [ "$(stat -c '%a %U:%G' "$1" 2>/dev/null)" = "$2 $3" ]; } # FILE MODE OWNER:GROUP
# By openssl, which is three times as fast as sha256sum where the processor helps: binaries have some 60 MB.
hash_files() { openssl dgst -sha256 -r "$@" | sed 's/ \*/  /'; } # FILE...: as sha256sum prints it
digest_of() { openssl dgst -sha256 -r <"$1" | cut -d' ' -f1; } # FILE
same_file() { [ -f "$1" ] && [ -f "$2" ] && cmp -s "$1" "$2"; }

# SELinux: what was made under a temporary name gets the label of its place.
label_files() { if command -v restorecon >/dev/null 2>&1; then restorecon -RF "$@" 2>/dev/null || :; fi; }

timestamp() { date -u +%Y%m%dT%H%M%SZ; }
holds_data() { # DIRECTORY: is anything in it, but for a file system's own folder, and what is laid out beside a member's data?
  [ -d "$1" ] && [ -n "$(find -H "$1" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name 'aside-*' ! -name '.staged-*' -print -quit)" ]
}
# Data is never deleted. Where the directory is a mount of its own or a link, its contents move within it.
move_aside() { # DIRECTORY
  holds_data "$1" || return 0
  move_all "$1" "$(aside_name "$1")"
}
aside_name() { # DIRECTORY
  if stays_in_place "$1"; then free_name "$1/aside-$(timestamp)"; else free_name "$1.aside-$(timestamp)"; fi
}
stays_in_place() { [ -L "$1" ] || mountpoint -q "$1"; } # DIRECTORY
move_all() { # DIRECTORY ASIDE, which may have a part of it already
  if stays_in_place "$1"; then
    mkdir -p "$2"
    find -H "$1" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name 'aside-*' ! -name '.staged-*' -exec mv -t "$2" {} +
  else
    mv "$1" "$2"
  fi
  note "the data of $1 is kept in $2"
}
free_name() { # NAME, or the next one that nothing has
  free=$1 number=1
  while [ -e "$free" ]; do number=$((number + 1)) free=$1-$number; done
  echo "$free"
}

# Whose host this is. The mark names the member, its incarnation and its cluster; each step also leaves its owner (the
# resource that runs it). A delete may come after all creates: it must not touch what another resource has taken over.
mark_value() { # KEY
  [ ! -e "$STATE_DIR/mark" ] || while IFS= read -r mark_line; do
    case $mark_line in "$1="*) echo "${mark_line#*=}" ;; esac
  done <"$STATE_DIR/mark"
}
write_mark() {
  {
    printf 'name=%s\nincarnation=%s\ncluster=%s\ndata_dir=%s\n' "$name" "$incarnation" "$cluster" "$data_dir"
    [ -z "$snapshots" ] || printf 'snapshots=%s\n' "$snapshots"
    [ -z "$not_before" ] || printf 'not_before=%s\n' "$not_before"
  } | write_file "$STATE_DIR/mark" 600 root:root
}
# A step that has been done is no step that was given up. With the first of a host's steps, and with the last, none is.
claim_step() { # STEP
  case $1 in
    prepare) forget_left_steps; [ ! -e "$STATE_DIR/owner-member" ] || : >"$STATE_DIR/prepared-again" ;;
    member) forget_left_steps; rm -f "$STATE_DIR/prepared-again" ;;
    *) rm -f "$STATE_DIR/left-$1" ;;
  esac
  printf '%s\n' "$owner" | write_file "$STATE_DIR/owner-$1" 600 root:root
}
forget_left_steps() { rm -f "$STATE_DIR"/left-*; }
owns_step() { # STEP: is the mark this name and incarnation, and the step still run by this owner?
  [ "$(mark_value name)" = "$name" ] && [ "$(mark_value incarnation)" = "$incarnation" ] &&
    [ "$(cat "$STATE_DIR/owner-$1" 2>/dev/null || :)" = "$owner" ]
}
need_this_member() { # the host was prepared for this very member
  [ "$(mark_value name)" = "$name" ] || refuse "this host is prepared for '$(mark_value name)', not for $name; run 'pulumi up' with a new checkId to prepare it"
}
