# prepare: the volume where there is one, preflight, then the user, the directories, this program and the mark of whose host it is.

cmd_sudo() { # before prepare, by a login user other than root: can the other steps become root?
  why=$(sudo -n sh -c 'exec id -u' 2>&1) && [ "$(printf '%s' "$why" | tail -n 1)" = 0 ] && return
  case $why in
    *tty*) way="exempt it (Defaults:$(id -un) !requiretty)" ;;
    *'not found'*) way="install sudo" ;;
    *) way="add a NOPASSWD rule for it" ;;
  esac
  refuse "$(id -un) may not run sudo here without being asked ($(printf '%s' "$why" | tail -n 1)); $way, or log in as root (etcd:ssh)"
}

cmd_prepare() { # called as `sh FILE prepare …`: FILE is the program to install
  need name "$name" incarnation "$incarnation" cluster "$cluster" owner "$owner" address "$address" listen "$listen" \
    data-dir "$data_dir" quota "$quota" metrics-url "$metrics_url"
  need_root
  take_lock
  if [ -n "$volume" ]; then
    wait_for_first_boot
    if [ -n "$drop_first_key" ]; then drop_first_host_key; fi
    mount_volume
  fi
  preflight
  set_foreign_aside
  make_user
  make_directories
  if [ -n "$volume" ]; then adopt_data; fi
  install_program "$0"
  keep_former_mark
  write_mark
  declare_files prepare "$PROGRAM"
  claim_step prepare
}

# Until the data of a restore is in its place, the host is still one of the cluster before: the restore may be given up.
keep_former_mark() {
  [ -z "$former" ] || [ "$(mark_value cluster)" != "$former" ] || cluster=$former
}

make_user() {
  getent group etcd >/dev/null || groupadd --system etcd || fail "the group etcd cannot be made on this host; see the line above"
  getent passwd etcd >/dev/null ||
    useradd --system --gid etcd --home-dir "$data_dir" --no-create-home --shell /usr/sbin/nologin --comment 'etcd member' etcd ||
    fail "the user etcd cannot be made on this host; see the line above"
}

make_directories() {
  (umask 022; mkdir -p "$(dirname "$data_dir")" "$ETC_DIR" "$OPT_DIR")
  own_opt_dir
  install -d -m 0700 "$STATE_DIR"
  make_data_directory
  install -d -m 0755 "$RUN_DIR"
  [ -z "$snapshots" ] || [ -d "$snapshots" ] || install -d -m 0700 "$snapshots"
  for dir in $writable; do [ -d "$dir" ] || install -d -m 0750 -o etcd -g etcd "$dir"; done
  label_files "$ETC_DIR" "$OPT_DIR" "$data_dir"
}

make_data_directory() { # not by install, which gives folders no owner where it is of uutils
  mkdir -p "$data_dir"
  chown etcd:etcd "$data_dir"
  chmod u=rwx,go=,ug-s "$data_dir" # the last it has from a folder above that hands its group on
}

install_program() { # FILE
  same_file "$1" "$PROGRAM" && has_mode "$PROGRAM" 755 root:root && return 0
  write_file "$PROGRAM" 755 root:root <"$1"
}
