# shellcheck shell=bash
# Hosts of the simulated EC2 (lab/ec2): an instance is a host that stands on an image with cloud-init
# and gets its users, keys and name from its user data, as on EC2. A volume is a sparse file on a
# loop device. lab/ec2 decides what exists; this file only carries it out.
#
# $NODES/N/ec2/     of an instance only: user-data and meta-data, the image's id, the attached volumes

# the number is this file's recipe: raise it with any change of build_image or finish_image
IMAGE=$ETCD_CACHE/ec2-image-$({ echo "2 $BASE"; cat "$HERE/ec2/devices"; } | sha256sum | cut -c1-12)
VOLUMES=$LAB_DIR/ec2/volumes

# ---- the image ---------------------------------------------------------------------
cmd_image() { # what all instances stand on: the hosts' base system with cloud-init
  cmd_build
  [[ -e $IMAGE/.complete ]] || with_lock "$ETCD_CACHE/.base.lock" build_image
}

build_image() {
  local tmp=$IMAGE.tmp started=$SECONDS
  [[ ! -e $IMAGE/.complete ]] || return 0 # another lab built it meanwhile
  log "building the instances' image (cloud-init on the base system): half a minute, once"
  rm -rf "$tmp"
  cp -a "$BASE" "$tmp"
  rm "$tmp/.complete"
  cp /etc/resolv.conf "$tmp/etc/resolv.conf"
  chroot "$tmp" /bin/sh -e >"$IMAGE.log" 2>&1 <<'SH' \
    || { tail -n 20 "$IMAGE.log" >&2; die "cloud-init could not be installed: see the lines above and $IMAGE.log"; }
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-unsafe-io cloud-init
apt-get clean
rm -rf /var/lib/apt/lists/* /var/lib/cloud
SH
  finish_image "$tmp"
  touch "$tmp/.complete"
  mv "$tmp" "$IMAGE"
  rm -f "$IMAGE.log"
  log "built the instances' image in $((SECONDS - started)) s"
}

# As Debian's own images on EC2: nobody but root until cloud-init has made the users. What would wait
# for a metadata service, or set the network up, is off: the lab does both.
finish_image() { # ROOT
  rm -f "$1/etc/resolv.conf" "$1/etc/sudoers.d/admin"
  chroot "$1" userdel --remove admin 2>/dev/null # it has no mail to remove
  cat >"$1/etc/cloud/cloud.cfg.d/90_lab.cfg" <<'YAML'
datasource_list: [NoCloud]
network: { config: disabled }
locale: false
manage_etc_hosts: true
system_info: { default_user: { name: admin } }
YAML
  install -m 755 "$HERE/ec2/devices" "$1/usr/local/sbin/ec2-devices"
  cat >"$1/etc/systemd/system/ec2-devices.service" <<'UNIT'
[Unit]
Description=Device nodes of the attached volumes (in place of udev)
DefaultDependencies=no
Before=local-fs-pre.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/ec2-devices
[Install]
WantedBy=local-fs-pre.target local-fs.target
UNIT
  systemctl --root="$1" enable --quiet ec2-devices.service
}

# ---- the cloud, by hand and for tests ------------------------------------------
cmd_cloud() { "$NODE_BIN/node" "$HERE/ec2/cli.ts" "$@"; }

# ---- instances ---------------------------------------------------------------------
is_instance() { [[ -e $NODES/$1/ec2/image ]]; }
need_instance() { need_node "${1:-}"; is_instance "$1" || die "node$1 is not an instance"; }

cmd___launch() { # N IMAGE-ID: makes and boots host N; user-data and meta-data are in $NODES/N/ec2
  local n=$1 d=$NODES/$1
  lock
  need_n "$n"
  [[ -e $IMAGE/.complete ]] || die "there is no image for instances yet: lab image"
  [[ ! -e $d/disk.img ]] || die "node$n already exists"
  mkdir -p "$d/mnt"
  echo "$2" >"$d/ec2/image"
  tr -d - </proc/sys/kernel/random/uuid >"$d/machine-id"
  make_disk "$n"
  node_net_up "$n"
  boot_node "$n"
  wait_running "$n"
}
wait_running() { wait_for "$LAB_BOOT_TIMEOUT" leader "$1" >/dev/null || die "node$1 does not boot: lab console $1"; }

cmd___terminate() { # N: its root disk goes with it, its volumes stay
  local n=$1
  power_off "$n"
  lock
  if [[ -d $NODES/$n ]]; then
    kill_node "$n"
    if has_ns "$(ns_of "$n")"; then ip netns del "$(ns_of "$n")"; fi
    rm -rf "${NODES:?}/$n"
  fi
}

cmd___boot() { lock; need_instance "${1:-}"; node_net_up "$1"; boot_node "$1"; wait_running "$1"; }
cmd___halt() { need_instance "${1:-}"; power_off "$1"; lock; kill_node "$1"; }

power_off() { # orderly, as EC2 asks for it; one that does not answer then loses power. Several at once: without the lock
  local p
  if p=$(leader "$1"); then
    kill -s RTMIN+4 "$p" || true
    wait_for 30 empty "n$1" || log "node$1 does not power off by itself"
  fi
}

# What EC2 shows in the console's log. It works where the user data lets the lab's key in.
instance_known_hosts() { # N: prints the file
  local file=$NODES/$1/ec2/known_hosts
  # before its first connection it has another key than after it
  cmd_enter "$1" sh -c 'cat /etc/ssh/ssh_host_*_key.pub' | sed "s/^/$(ip_of "$1") /" >"$file"
  echo "$file"
}

cmd___is_running() { populated "n$1"; }

seed_instance() { # N ROOT
  local ec2=$NODES/$1/ec2
  install -D -m 600 -t "$2/var/lib/cloud/seed/nocloud" "$ec2/user-data" "$ec2/meta-data"
  : >"$2/etc/resolv.conf"
  cat "$ec2/image" >"$2/etc/ami-id"
  # An image that was built wrong: nothing creates users and keys on it.
  if [[ $(<"$ec2/image") == *9 ]]; then touch "$2/etc/cloud/cloud-init.disabled"; fi
  # A different image has different system users, so that the next one gets another number.
  if [[ $(<"$ec2/image") == *2 ]]; then chroot "$2" useradd --system --no-create-home ami-agent; fi
}

# ---- volumes -----------------------------------------------------------------------
volume_loop() { losetup --noheadings --output NAME --associated "$VOLUMES/$1.img" | head -n 1; } # VOL
no_volume_loop() { [[ -z $(volume_loop "$1") ]]; }
volumes_of() { if [[ -e $NODES/$1/ec2/volumes ]]; then cat "$NODES/$1/ec2/volumes"; fi; } # N: "VOL DEVICE" lines

connect_volumes() { # N: prints what ec2-devices reads, "DEVICE MAJOR MINOR VOL" lines
  local vol device loop
  while read -r vol device; do
    loop=$(volume_loop "$vol")
    [[ -n $loop ]] || loop=$(losetup --find --show "$VOLUMES/$vol.img")
    echo "$device $((0x$(stat -c %t "$loop"))) $((0x$(stat -c %T "$loop"))) $vol"
  done < <(volumes_of "$1")
}

release_volumes() { # N, which does not run
  local vol
  while read -r vol _; do release_volume "$vol"; done < <(volumes_of "$1")
}
release_volume() { # VOL [force]: what is mounted goes when nothing uses it any more
  local loop
  loop=$(volume_loop "$1")
  [[ -z $loop ]] || losetup --detach "$loop"
  [[ ${2:-} != force ]] || return 0
  wait_for 20 no_volume_loop "$1" || die "$1 is still in use"
}

show_devices() { # N: to a host that runs
  if leader "$1" >/dev/null; then connect_volumes "$1" | cmd_enter "$1" /usr/local/sbin/ec2-devices -; fi
}

cmd___attach() { # N VOL
  local n=$1 vol=$2 k=1 list=$NODES/$1/ec2/volumes
  lock
  need_instance "$n"
  [[ -e $VOLUMES/$vol.img ]] || die "there is no $vol"
  while grep -qs " nvme${k}n1\$" "$list"; do k=$((k + 1)); done
  echo "$vol nvme${k}n1" >>"$list"
  show_devices "$n"
}

cmd___detach() { # N VOL [force]; exit code 3: it is mounted
  local n=$1 vol=$2 p loop list=$NODES/$1/ec2/volumes
  lock
  [[ -e $list ]] || return 0
  if p=$(leader "$n") && [[ ${3:-} != force ]]; then
    loop=$(volume_loop "$vol")
    if [[ -n $loop ]] && mounts_device "$p" "$loop"; then exit 3; fi
  fi
  grep -v "^$vol " "$list" >"$list.tmp" || true
  mv "$list.tmp" "$list"
  show_devices "$n"
  release_volume "$vol" "${3:-}"
}
cmd___grown() { # VOL: its file has grown
  local loop
  loop=$(volume_loop "$1")
  [[ -z $loop ]] || losetup --set-capacity "$loop"
}
mounts_device() { # PID LOOP
  awk -v dev="$((0x$(stat -c %t "$2"))):$((0x$(stat -c %T "$2")))" '$3 == dev { found = 1 } END { exit !found }' "/proc/$1/mountinfo"
}

down_ec2() { # after all hosts ended
  local image
  for image in "$VOLUMES"/*.img; do
    [[ ! -e $image ]] || release_volume "$(basename "$image" .img)"
  done
  rm -rf "$LAB_DIR/ec2"
}
