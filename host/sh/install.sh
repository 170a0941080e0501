# install: a release archive, verified before it is unpacked, into a directory of its version.

cmd_install() {
  need name "$name" version "$version" mirror "$mirror" owner "$owner"
  need_root
  share_lock install
  need_this_member
  arch=$(host_arch)
  case $arch in amd64) sha256=$sha256_amd64 ;; arm64) sha256=$sha256_arm64 ;; esac
  [ -n "$sha256" ] || refuse "no sha256 is known for etcd $version on $arch; add it to etcd:sha256, from the release's SHA256SUMS"
  own_opt_dir
  keep_last_record
  if is_installed "$sha256"; then
    say "etcd $version is installed"
  else
    fetch_release "$mirror/v$version/etcd-v$version-linux-$arch.tar.gz" "$sha256" "$OPT_DIR/$version"
    say "installed etcd $version in $OPT_DIR/$version$(whose_proxy "$mirror")"
  fi
  grep -v '  archive$' "$STATE_DIR/installed-$version" | write_file "$STATE_DIR/declared-install" 600 root:root
  claim_step install
}

# Modes and owners are put right. What is in the directory counts only by the record that was made when it was unpacked.
is_installed() { # SHA256
  if [ "$(archive_of "$version")" != "$1" ] || [ -L "$OPT_DIR/$version" ]; then return 1; fi
  for binary in $BINARIES; do
    file=$OPT_DIR/$version/$binary
    if [ -L "$file" ] || ! [ -f "$file" ]; then return 1; fi
    chown root:root "$OPT_DIR/$version" "$file"
    chmod 755 "$OPT_DIR/$version" "$file"
  done
  # shellcheck disable=SC2086 # words
  is_verified "$version" $BINARIES
}
# Older programs recorded the release alone that was installed last: another one is still what may run here until its end.
keep_last_record() {
  last=$(installed_version)
  if [ -z "$last" ] || [ -e "$STATE_DIR/installed-$last" ]; then return; fi
  record_release "$last" "$(archive_of "$last")" <"$STATE_DIR/declared-install"
}

fetch_release() { # URL SHA256 DIRECTORY
  find "$OPT_DIR" -mindepth 1 -maxdepth 1 -name '.new-*' -exec rm -rf {} +
  new=$(mktemp -d "$OPT_DIR/.new-XXXXXX") || fail "cannot write in $OPT_DIR"
  trap 'rm -rf "$new"' EXIT
  download "$1" "$new/archive"
  verify_archive "$1" "$new/archive" "$2"
  unpack "$new/archive" "$new/release"
  printf '%s\n' "$2" >"$new/release/.sha256"
  # shellcheck disable=SC2086 # words
  (cd "$new/release" && hash_files $BINARIES) | sed "s|  |  $3/|" >"$new/release/.digests"
  chmod 755 "$new/release"
  sync_tree "$OPT_DIR"
  record_release "$version" "$2" <"$new/release/.digests"
  take_old_away "$3"
  mv "$new/release" "$3"
  label_binaries "$3"
  rm -rf "$new"
  trap - EXIT
}

take_old_away() { # DIRECTORY: of a release; that of somebody else is kept
  if [ -e "$1/.sha256" ] && ! [ -L "$1" ]; then
    mv "$1" "$new/replaced"
  elif [ -e "$1" ] || [ -L "$1" ]; then
    aside=$(free_name "$1.aside-$(timestamp)")
    mv "$1" "$aside"
    note "$1, which this program did not make, is kept in $aside"
  fi
}

download() { # URL FILE
  if command -v curl >/dev/null 2>&1; then
    with_proxy curl --fail --silent --show-error --location --retry 2 --connect-timeout 10 --speed-limit 1024 --speed-time 30 \
      --output "$2" "$1" 2>"$2.log" || download_failed "$1" "$2.log"
  else
    with_proxy wget --no-verbose --tries=2 --timeout=30 --output-document="$2" "$1" 2>"$2.log" || download_failed "$1" "$2.log"
  fi
}
download_failed() { # URL LOG
  fail "cannot download $1$(whose_proxy "$1"): $(tr '\n' ' ' <"$2" | sed 's/ *$//'); check etcd:mirror and etcd:proxy, and the free space in $OPT_DIR; nothing was installed"
}
# etcd:proxy decides; without it, this host's environment, as curl and wget read it.
with_proxy() ( # COMMAND...
  if [ -n "$proxy" ]; then
    export http_proxy="$proxy" https_proxy="$proxy"
  else
    export http_proxy="$login_http_proxy" https_proxy="$login_https_proxy" all_proxy="$login_all_proxy" no_proxy="$login_no_proxy"
  fi
  "$@"
)
whose_proxy() { # URL: in words; nothing where none is set
  if [ -n "$proxy" ]; then
    echo " by etcd:proxy ($(without_password "$proxy"))"
    return
  fi
  case $1 in https:*) set -- https_proxy "$login_https_proxy" ;; *) set -- http_proxy "$login_http_proxy" ;; esac
  [ -n "$2" ] || set -- all_proxy "$login_all_proxy"
  [ -z "$2" ] || echo " with $1=$(without_password "$2") in this host's environment${login_no_proxy:+, no_proxy=$login_no_proxy}"
}
without_password() { printf '%s\n' "$1" | sed 's|^\(\([a-z0-9]*://\)\{0,1\}\).*@|\1|'; }

verify_archive() { # URL FILE SHA256
  got=$(digest_of "$2")
  [ "$got" = "$3" ] || refuse "the archive $1 has sha256 $got, declared is $3: nothing was installed; check etcd:mirror, or correct etcd:sha256 from the release's SHA256SUMS"
}

unpack() { # ARCHIVE DIRECTORY
  mkdir "$2"
  tar -xzf "$1" -C "$2" --strip-components=1 --no-same-owner 2>"$1.log" ||
    fail "cannot unpack etcd $version in $OPT_DIR: $(grep -m 1 . "$1.log"); $(free_mb "$OPT_DIR") MiB are free there; nothing was installed"
  for binary in $BINARIES; do
    [ -f "$2/$binary" ] || fail "the archive has no $binary: is etcd:mirror a mirror of etcd's releases? nothing was installed"
    chmod 755 "$2/$binary"
  done
}

label_binaries() { # SELinux: systemd runs what is labelled as a program
  label_files "$1"
  if command -v selinuxenabled >/dev/null 2>&1 && selinuxenabled; then chcon -t bin_t "$1"/etcd*; fi
}

# The links are switched by the member step, after the member runs the version.
link_version() {
  for binary in $BINARIES; do
    [ "$(readlink "$LINK_DIR/$binary" || :)" != "$OPT_DIR/$version/$binary" ] || continue
    ln -sfn "$OPT_DIR/$version/$binary" "$LINK_DIR/.$binary.new"
    mv -T "$LINK_DIR/.$binary.new" "$LINK_DIR/$binary"
  done
}
