# The data volume of a machine that the program creates. It outlives the machine, so it carries what must: the member's
# data, and this program's record of whose data it is.
#   VOLUME_DIR/data  mounted where etcd's data directory is
#   VOLUME_DIR/host  mounted where this program keeps its record

VOLUME_DIR=/var/lib/etcd-volume
BOOT_SECONDS=300   # for cloud-init: users, host keys and packages of the first boot
ATTACH_SECONDS=120 # until an attached volume shows

# A machine's first boot may still be at work, on the very files that preflight looks at.
wait_for_first_boot() {
  command -v cloud-init >/dev/null 2>&1 || return 0
  timeout "$BOOT_SECONDS" cloud-init status --wait >/dev/null 2>&1 || case $? in
    2) note "cloud-init ended with warnings on this machine; see 'cloud-init status --long'" ;;
    124) fail "cloud-init still runs after $BOOT_SECONDS s; see 'cloud-init status --long' on this machine, then run again" ;;
    *) refuse "cloud-init failed on this machine, so it may lack what it needs; see 'cloud-init status --long' there" ;;
  esac
}

mount_volume() {
  for command in blkid mkfs.ext4 resize2fs systemd-escape; do
    command -v "$command" >/dev/null 2>&1 || refuse "this machine lacks $command, which the data volume needs; use an image that has it"
  done
  wait_for_volume
  if mountpoint -q "$VOLUME_DIR"; then
    is_mounted_volume || refuse "a disk other than $volume is mounted at $VOLUME_DIR; unmount it, then run again"
  else
    need_no_data_below
    prepare_file_system
    mount_at "$device" "$VOLUME_DIR" ext4 noatime,nodev,nosuid
  fi
  mkdir -p "$VOLUME_DIR/data" "$VOLUME_DIR/host"
  mount_at "$VOLUME_DIR/data" "$data_dir" none bind
  mount_at "$VOLUME_DIR/host" "$STATE_DIR" none bind
  grown=$(resize2fs "$device" 2>&1) ||
    fail "the file system of $volume could not be grown to the size of the volume: $(printf '%s\n' "$grown" | tail -n 1). Grow it by hand on this machine (resize2fs $device), then run again"
}

wait_for_volume() {
  device=$DISKS/nvme-Amazon_Elastic_Block_Store_$(printf '%s' "$volume" | tr -d -) # the link that udev makes on Nitro
  deadline=$(($(date +%s) + ATTACH_SECONDS))
  until [ -b "$device" ]; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "the volume $volume does not show as $device after $ATTACH_SECONDS s; see 'lsblk -o NAME,SERIAL' on this machine, then run again"
    sleep 0.2
  done
}
is_mounted_volume() { [ "$(stat -c %D "$VOLUME_DIR")" = "$(device_number "$device")" ]; }
device_number() { # as stat shows it of a file on that device: hexadecimal, minor number last
  set -- "$(stat -L -c '0x%t' "$1")" "$(stat -L -c '0x%T' "$1")"
  printf '%x' $((($1 << 8) | ($2 & 255) | (($2 & ~255) << 12)))
}
need_no_data_below() { # a mount would hide it
  for dir in "$VOLUME_DIR" "$data_dir" "$STATE_DIR"; do
    ! holds_data "$dir" || mountpoint -q "$dir" || refuse "$dir holds files that the volume $volume would hide; move them away, then run again"
  done
}

# Only a volume that has nothing on it gets a file system; one that has one must be this program's.
prepare_file_system() {
  found=$(blkid -p -o value -s TYPE "$device" 2>/dev/null) || found=''
  case $found in
    ext4) need_volume_of_ours ;;
    '')
      is_blank || refuse "the volume $volume holds something that is not a file system; nothing was changed on it"
      mkfs.ext4 -q -m 0 -L etcd "$device" >/dev/null || fail "no file system could be made on the volume $volume; see the lines above"
      ;;
    *) refuse "the volume $volume holds a file system of type $found, not the ext4 that this program creates; nothing was changed on it" ;;
  esac
}
is_blank() { # no signature of anything, and nothing where most things begin
  probe_code=0
  blkid -p "$device" >/dev/null 2>&1 || probe_code=$?
  [ "$probe_code" = 2 ] && [ "$(head -c 1048576 "$device" | tr -d '\000' | head -c 1 | wc -c)" = 0 ]
}
need_volume_of_ours() { # mounted aside for the check: nothing refused stays mounted
  glance=$RUN_DIR/volume
  ! mountpoint -q "$glance" || umount "$glance" # of a run that ended here
  mkdir -p "$glance"
  mount -o ro "$device" "$glance" || refuse "the file system of the volume $volume cannot be mounted; see the line above"
  others=$(find "$glance" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name data ! -name host | head -n 3 | tr '\n' ' ')
  umount "$glance"
  rmdir "$glance"
  [ -z "$others" ] || refuse "the volume $volume holds files of unknown origin (${others#"$glance/"}); nothing was changed on it"
}

mount_at() { # WHAT WHERE TYPE OPTIONS: now, and at every boot
  mkdir -p "$2"
  unit=$(systemd-escape --path --suffix=mount "$2")
  printf '[Unit]\nDescription=etcd data volume\nRequiresMountsFor=%s\n\n[Mount]\nWhat=%s\nWhere=%s\nType=%s\nOptions=%s\n\n[Install]\nWantedBy=multi-user.target\n' \
    "$(dirname "$1")" "$1" "$2" "$3" "$4" >"$RUN_DIR/mount-unit"
  if ! same_file "$RUN_DIR/mount-unit" "$UNIT_DIR/$unit"; then
    write_file "$UNIT_DIR/$unit" 644 root:root <"$RUN_DIR/mount-unit"
    systemctl daemon-reload
  fi
  systemctl enable --quiet --now "$unit" || fail "$2 could not be mounted; see 'systemctl status $unit' on this machine"
}

# Another image gives the user another number: the data still has that of the machine before.
adopt_data() {
  if is_running || ! [ -e "$data_dir/member" ] || [ "$(stat -c %U "$data_dir/member")" = etcd ]; then return; fi
  chown -R etcd:etcd "$data_dir"
}
