# shellcheck shell=bash
# One host: its disk, how it boots, and how it ends.
#
# The base system is the lower layer of an overlay whose upper layer is the host's own sparse ext4
# image on a loop device. A runner in a private mount namespace mounts these and runs systemd-nspawn
# in the host's network namespace and cgroup. When its processes end, mounts and loop device go too.

no_loop() { [[ -z $(losetup -n -j "$NODES/$1/disk.img" 2>/dev/null) ]]; }

leader() { # pid (seen from here) of the host's own PID 1
  local d p
  d=$(cg_of "n$1")
  [[ -e $d/payload/init.scope/cgroup.procs ]] || return 1
  while read -r p; do
    if [[ $(awk '/^NSpid:/{print $NF}' "/proc/$p/status" 2>/dev/null) == 1 ]]; then echo "$p"; return; fi
  done <"$d/payload/init.scope/cgroup.procs"
  return 1
}

state() {
  if empty "n$1"; then echo stopped
  elif frozen "n$1"; then echo paused
  else echo running; fi
}

make_disk() { # sparse: takes space only as the host writes
  truncate -s "${LAB_DISK_MB}M" "$NODES/$1/disk.tmp"
  mkfs.ext4 -q -m 0 -E lazy_itable_init=1,lazy_journal_init=1 -L "node$1" "$NODES/$1/disk.tmp"
  mv "$NODES/$1/disk.tmp" "$NODES/$1/disk.img"
}

create_node() {
  local n=$1 d=$NODES/$1
  [[ ! -e $d/disk.img ]] || return 0
  mkdir -p "$d/mnt" "$d/ssh"
  rm -f "$d"/ssh/* # of a run that ended here
  ssh-keygen -q -t ed25519 -N '' -C "node$n" -f "$d/ssh/ssh_host_ed25519_key"
  ssh-keygen -q -t ecdsa -N '' -C "node$n" -f "$d/ssh/ssh_host_ecdsa_key"
  tr -d - </proc/sys/kernel/random/uuid >"$d/machine-id"
  make_disk "$n"
}

# systemd takes seven inotify instances per host, all as root, and a kernel's default is 128 per user: some twenty
# hosts. Without more, a host waits and does not say why.
INOTIFY_INSTANCES=/proc/sys/fs/inotify/max_user_instances
INOTIFY_ENOUGH=1024
raise_limits() {
  (($(<"$INOTIFY_INSTANCES") >= INOTIFY_ENOUGH)) || { echo $INOTIFY_ENOUGH >"$INOTIFY_INSTANCES"; } 2>/dev/null || true
}
used_up() { (($(find /proc/[0-9]*/fd -lname anon_inode:inotify 2>/dev/null | wc -l) >= $(<"$INOTIFY_INSTANCES"))); }

boot_node() { # start the host's processes; returns at once
  local n=$1 h cgs=()
  empty "n$n" || return 0
  raise_limits
  wait_for 10 no_loop "$n" || die "node$n: its disk is still in use"
  drop_cgroups "n$n"
  # nspawn (--keep-unit) uses the cgroup it starts in: give each host its own, in
  # cgroup2 and, where the machine has it, in the v1 name=systemd hierarchy.
  for h in "$(cg_of)" $(findmnt -n -t cgroup -O name=systemd -o TARGET | sed "s,\$,/$LAB_NAME,"); do
    mkdir -p "$h/n$n"
    cgs+=("$h/n$n/cgroup.procs")
  done
  (
    exec 9>&-
    for h in "${cgs[@]}"; do echo "$BASHPID" >"$h"; done
    exec setsid unshare --mount --propagation private "$SELF" __run "$n" \
      </dev/null >>"$NODES/$n/console.log" 2>&1
  ) &
}

lower_of() { if is_instance "$1"; then echo "$IMAGE"; else echo "$BASE"; fi; }
hostname_of() { if is_instance "$1"; then echo "ip-$(ip_of "$1" | tr . -)"; else echo "node$1"; fi; }

cmd___run() { # inside the host's private mount namespace: mounts vanish with the process
  local n=$1 d=$NODES/$1 root=$NODES/$1/mnt/root rc
  mount -t tmpfs -o mode=755 tmpfs "$d/mnt"
  mkdir -p "$d/mnt/disk" "$root" /run/systemd/nspawn
  mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn
  mount -o loop,noatime,discard "$d/disk.img" "$d/mnt/disk"
  mkdir -p "$d/mnt/disk/upper" "$d/mnt/disk/work"
  mount -t overlay overlay -o "lowerdir=$(lower_of "$n"),upperdir=$d/mnt/disk/upper,workdir=$d/mnt/disk/work" "$root"
  if [[ ! -e $d/mnt/disk/seeded ]]; then
    if is_instance "$n"; then seed_instance "$n" "$root"; else seed "$n" "$root"; fi
    touch "$d/mnt/disk/seeded"
  fi
  if is_instance "$n"; then connect_volumes "$n" >"$root/var/lib/ec2-devices"; fi
  while :; do
    rc=0
    cable "$n" up
    node_nspawn "$n" "$root" || rc=$?
    cable "$n" down
    ((rc == 133)) || break # 133: the host asked for a reboot
  done
  # if only the supervisor died, what it supervised must not live on
  echo 1 >"$(cg_of "n$n")/payload/cgroup.kill" 2>/dev/null || true
}

seed() { # N ROOT: what makes this host itself
  local d=$NODES/$1
  echo "node$1" >"$2/etc/hostname"
  cp "$d/machine-id" "$2/etc/machine-id"
  printf '127.0.0.1 localhost\n127.0.1.1 node%s\n' "$1" >"$2/etc/hosts"
  : >"$2/etc/resolv.conf"
  install -m 600 "$d"/ssh/ssh_host_*_key "$2/etc/ssh/"
  install -m 644 "$d"/ssh/ssh_host_*_key.pub "$2/etc/ssh/"
  install -d -m 700 "$2/root/.ssh"
  install -m 600 "$KEY.pub" "$2/root/.ssh/authorized_keys"
  install -d -m 700 -o 1000 -g 1000 "$2/home/admin/.ssh"
  install -m 600 -o 1000 -g 1000 "$KEY.pub" "$2/home/admin/.ssh/authorized_keys"
}

node_nspawn() { # N ROOT
  export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network # sysctl net.* works, the rest is protected
  export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1      # cgroup2 only, as on a current Debian
  export SYSTEMD_NSPAWN_TMPFS_TMP=0              # /tmp on the disk, as on Debian 12
  systemd-nspawn --quiet --boot --directory="$2" --machine="node$1" --hostname="$(hostname_of "$1")" \
    --uuid="$(cat "$NODES/$1/machine-id")" \
    --register=no --keep-unit --network-namespace-path="/run/netns/$(ns_of "$1")" \
    --capability=CAP_NET_ADMIN --system-call-filter='bpf @memlock' --console=pipe \
    --link-journal=no --resolv-conf=off --timezone=off
}

ssh_works() {
  if is_instance "$1"; then # its users and keys are not the lab's
    leader "$1" >/dev/null && cmd_enter "$1" systemctl is-active --quiet ssh 2>/dev/null
    return
  fi
  LAB_SSH_USER=root node_ssh "$1" -o ConnectTimeout=2 true 2>/dev/null
}
reason() {
  ! used_up || echo ", because all $(<"$INOTIFY_INSTANCES") inotify instances of root are in use and the lab may not" \
    "allow more: sysctl fs.inotify.max_user_instances=$INOTIFY_ENOUGH where that is possible, or take other labs down"
}
wait_node() {
  wait_for "$LAB_BOOT_TIMEOUT" ssh_works "$1" \
    || { tail -n 20 "$NODES/$1/console.log" >&2; die "node$1: no SSH within $LAB_BOOT_TIMEOUT s$(reason)"; }
  # a service that waits for its peers (etcd without a quorum) keeps the boot "starting": no endless wait
  cmd_enter "$1" timeout 20 systemctl is-system-running --wait >/dev/null \
    || log "node$1 is up, but not all of its services are"
}

end_node() { # after a kill or poweroff, wait until nothing of it is left
  wait_for 60 empty "n$1" || die "node$1: processes will not end"
  wait_for 20 no_loop "$1" || die "node$1: its disk is still in use"
  release_volumes "$1"
  drop_cgroups "n$1"
}
kill_node() {
  cable "$1" down # first, so that no FIN or RST of dying processes gets out
  kill_all "n$1"  # every process of the host, supervisor included, at once
  end_node "$1"
}

cmd_start() { lock; need_node "${1:-}"; node_net_up "$1"; boot_node "$1"; wait_node "$1"; }
cmd_kill() { lock; need_node "${1:-}"; kill_node "$1"; }
cmd_stop() { # orderly poweroff
  local p
  lock
  need_node "${1:-}"
  if p=$(leader "$1"); then kill -s RTMIN+4 "$p"; end_node "$1"; fi
}
disks_of() { # N: its own and the volumes
  local vol
  echo "$NODES/$1/disk.img"
  while read -r vol _; do echo "$VOLUMES/$vol.img"; done < <(volumes_of "$1")
}
cmd_powercut() { # like kill, but what was not fsynced is lost: the disks are what the "platters" held
  local n=${1:-} disk
  lock
  need_node "$n"
  populated "n$n" || die "node$n is not running"
  cmd_pause "$n"
  wait_for 10 frozen "n$n" || die "node$n would not freeze"
  for disk in $(disks_of "$n"); do cp --sparse=always "$disk" "$disk.cut"; done
  kill_node "$n"
  for disk in $(disks_of "$n"); do mv "$disk.cut" "$disk"; done
}
cmd_reset() { # back to a machine that was never provisioned (same address, same SSH host keys)
  lock
  need_node "${1:-}"
  ! is_instance "$1" || die "node$1 is an instance: lab cloud terminate"
  kill_node "$1"
  rm -f "$NODES/$1/disk.img"
  make_disk "$1"
  boot_node "$1"
  wait_node "$1"
}
cmd_pause() { need_node "${1:-}"; echo 1 >"$(cg_of "n$1")/cgroup.freeze"; }
cmd_resume() { need_node "${1:-}"; echo 0 >"$(cg_of "n$1")/cgroup.freeze"; }
cmd_console() { need_node "${1:-}"; cat "$NODES/$1/console.log"; }
