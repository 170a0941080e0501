# Which binaries may run. Only what came out of an archive with a declared sha256: `install` writes the digests of what it
# unpacked into this program's own folder, which is root's alone. What else lies where a binary is looked for, a link to it
# or a record beside it, is not run.

BINARIES='etcd etcdctl etcdutl'

# "DIGEST  archive" and "DIGEST  PATH" for each binary; older programs kept the paths of the release that was installed last.
recorded() { # VERSION WHAT
  cat "$STATE_DIR/installed-$1" "$STATE_DIR/declared-install" 2>/dev/null | awk -v what="$2" '$2 == what && !seen++ { print $1 }'
}
record_release() { # VERSION ARCHIVE-SHA256 <"DIGEST  PATH" for each binary
  { printf '%s  archive\n' "$2"; cat; } | write_file "$STATE_DIR/installed-$1" 600 root:root
}
# The archive that a release was unpacked from; older programs wrote that beside it only.
archive_of() { # VERSION
  if [ -e "$STATE_DIR/installed-$1" ]; then recorded "$1" archive; else cat "$OPT_DIR/$1/.sha256" 2>/dev/null || :; fi
}

# As it was unpacked, and nobody but root can change it before it runs.
is_verified() ( # VERSION BINARY...
  folder=$OPT_DIR/$1
  wanted_of=$1
  shift
  for binary in "$@"; do
    file=$folder/$binary
    [ -x "$file" ] && [ -z "$(find "$OPT_DIR/" "$folder" "$file" -maxdepth 0 \( ! -uid 0 -o -perm /022 \))" ] || return 1
    wanted=$(recorded "$wanted_of" "$file")
    [ -n "$wanted" ] && [ "$(digest_of "$file")" = "$wanted" ] || return 1
  done
)

# Made by this program or not, this folder is root's from now on: who owns it could exchange what is in it.
own_opt_dir() {
  chown root:root "$OPT_DIR"
  chmod go-w "$OPT_DIR"
}

find_verified() ( # BINARY VERSION...: the path of the first that may run
  binary=$1
  shift
  for candidate in "$@"; do
    if [ -n "$candidate" ] && is_verified "$candidate" "$binary"; then
      echo "$OPT_DIR/$candidate/$binary"
      return
    fi
  done
)
linked_version() { # of what runs here: the member's step sets the links
  linked=$(readlink "$LINK_DIR/etcdctl") || return 0
  linked=${linked#"$OPT_DIR/"}
  case ${linked%/etcdctl} in */*) ;; *) echo "${linked%/etcdctl}" ;; esac
}
installed_version() { sed -n 's|.*/\([^/]*\)/etcd$|\1|p' "$STATE_DIR/declared-install" 2>/dev/null || :; } # the last one

# Once in each run. The version that runs here knows how to ask it.
etcdctl=''
choose_etcdctl() { etcdctl=$(find_verified etcdctl "$(linked_version)" "$version" "$(installed_version)"); }
NO_ETCDCTL="no etcdctl on this host is what was installed from an archive with a declared sha256; run 'pulumi up' with a new checkId"
