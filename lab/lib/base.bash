# shellcheck shell=bash
# The packages that the lab needs, and the hosts' base system: one read-only folder in the cache that
# all hosts of all labs stand on.

BASE_PACKAGES=systemd,systemd-sysv,dbus,libpam-systemd,libnss-systemd,openssh-server,sudo
BASE_PACKAGES+=,iproute2,iputils-ping,ca-certificates,curl,procps,nftables
BASE_PACKAGES+=,fish,tcsh # logins that are no POSIX shell
BASE_PACKAGES+=,age # snapshots are encrypted with it
BASE_PACKAGES+=${LAB_EXTRA_PACKAGES:+,$LAB_EXTRA_PACKAGES}
# the number is this file's recipe: raise it with any change below
BASE=$ETCD_CACHE/base-$(echo "4 $LAB_SUITE $BASE_PACKAGES" | sha256sum | cut -c1-12)

cmd_deps() {
  local need=() c
  for c in systemd-nspawn:systemd-container mmdebstrap:mmdebstrap nft:nftables ip:iproute2 \
    ssh:openssh-client mkfs.ext4:e2fsprogs flock:util-linux; do
    command -v "${c%%:*}" >/dev/null || need+=("${c##*:}")
  done
  ((${#need[@]})) || return 0
  command -v apt-get >/dev/null || die "these Debian packages are missing: ${need[*]}"
  log "installing ${need[*]}"
  install_packages "${need[@]}" || die "apt-get could not install ${need[*]}: see the lines above"
}
install_packages() {
  local out
  export DEBIAN_FRONTEND=noninteractive
  out=$(apt-get update -qq -o DPkg::Lock::Timeout=300 2>&1 \
    && apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" 2>&1) \
    || { tail -n 20 <<<"$out" >&2; return 1; }
}

cmd_build() {
  [[ ! -e $BASE/.complete ]] || return 0
  mkdir -p "$ETCD_CACHE"
  with_lock "$ETCD_CACHE/.base.lock" build_base
}

build_base() {
  local tmp=$BASE.tmp started=$SECONDS
  [[ ! -e $BASE/.complete ]] || return 0 # another lab built it meanwhile
  cmd_deps
  log "building the base system ($LAB_SUITE): about a minute, once"
  rm -rf "$tmp"
  mmdebstrap --quiet --mode=root --variant=minbase --include="$BASE_PACKAGES" \
    "$LAB_SUITE" "$tmp" >"$BASE.log" 2>&1 \
    || { tail -n 20 "$BASE.log" >&2; die "mmdebstrap failed: see the lines above and $BASE.log"; }
  finish_base "$tmp"
  touch "$tmp/.complete"
  mv "$tmp" "$BASE"
  rm -f "$BASE.log"
  log "built the base system in $((SECONDS - started)) s"
}

# What a machine image would have: key login, a sudo user, a persistent journal, no identity of its
# own; and no periodic apt jobs, because the lab has no way out.
finish_base() { # ROOT
  rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/hostname" "$1/etc/resolv.conf"
  : >"$1/etc/machine-id"
  : >"$1/etc/default/locale"
  ln -sf /dev/null "$1/etc/systemd/system/apt-daily.timer"
  ln -sf /dev/null "$1/etc/systemd/system/apt-daily-upgrade.timer"
  echo 'PasswordAuthentication no' >"$1/etc/ssh/sshd_config.d/lab.conf"
  mkdir -p "$1/var/log/journal"
  chroot "$1" useradd -m -s /bin/bash admin
  echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/admin"
  chmod 440 "$1/etc/sudoers.d/admin"
}
