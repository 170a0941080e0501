# upkeep: what this host does by itself, by timers: a snapshot of its member, and the defragmentation of its database.

UPKEEP_UNITS='etcd-backup.service etcd-backup.timer etcd-defragment.service etcd-defragment.timer'

upkeep_value() { sed -n "s/^$1=//p" "$STATE_DIR/upkeep" 2>/dev/null || :; } # KEY
has_backup() { [ -n "$(upkeep_value interval)" ]; }

cmd_upkeep() { # stdin: "== FILE" and its content, for store.key and store-ca.crt
  need name "$name" incarnation "$incarnation" owner "$owner"
  need_root
  take_lock
  need_this_member
  work=$(mktemp -d "$RUN_DIR/.upkeep-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  [ -z "$interval" ] || need keep "$keep" reserve "$reserve" max-age "$max_age"
  [ -z "$defragment" ] || need free-mib "$free_mib" free-percent "$free_percent"
  check_tools
  keep_sent
  take_store_away # until it is said who can read the snapshots: a timer may start in between
  write_upkeep
  write_store
  write_units
  switch_timers
  # shellcheck disable=SC2046 # one word a file
  declare_files upkeep $(upkeep_files)
  claim_step upkeep
  say "set up the timers at $(date -u +%Y-%m-%dT%H:%M:%SZ)" # another answer each time: the backup behind it follows
}

# What would fail in the night is refused by day.
check_tools() {
  problem=''
  [ -z "$store" ] || can_sign || refuse "$problem"
  [ -z "$recipients" ] || command -v age >/dev/null 2>&1 ||
    refuse "age is not installed on $name; install it, or set etcd:backup.encryption to \"store\" where the bucket encrypts"
}
keep_sent() { # <"== FILE" and its content, for each
  : >"$work/store.key"
  awk -v dir="$work" '
    /^== / { out = ($2 == "store.key" || $2 == "store-ca.crt" || $2 == "identity") ? dir "/" $2 : ""; next }
    out != "" { print > out }'
}
write_store() { # of what came on stdin
  if [ -z "$store" ]; then take_store_away; return; fi
  [ -s "$work/store.key" ] || fail "the step sent no key of the store"
  printf 'url=%s\nprefix=%s\nregion=%s\nproxy=%s\nsse=%s\nkms_key=%s\n' "$store" "$store_prefix" "$store_region" "$proxy" \
    "$store_sse" "$store_kms_key" | write_file "${STORE_DIR:-$ETC_DIR}/store.conf" 600 root:root
  sed 's/.*/user = "&"/' "$work/store.key" | write_file "${STORE_DIR:-$ETC_DIR}/store.curlrc" 600 root:root
  if [ -s "$work/store-ca.crt" ]; then
    write_file "${STORE_DIR:-$ETC_DIR}/store-ca.crt" 644 root:root <"$work/store-ca.crt"
  else
    rm -f "${STORE_DIR:-$ETC_DIR}/store-ca.crt"
  fi
}
take_store_away() { rm -f "$ETC_DIR/store.conf" "$ETC_DIR/store.curlrc" "$ETC_DIR/store-ca.crt"; }

write_upkeep() { # since is when it was first switched on: until then there was no backup to miss
  since=$(upkeep_value since)
  {
    [ -z "$interval" ] || printf 'interval=%s\nkeep=%s\nreserve=%s\nmax_age=%s\nrecipients=%s\nmetrics_file=%s\nsince=%s\n' \
      "$(in_seconds "$interval")" "$keep" "$reserve" "$max_age" "$recipients" "$metrics_file" "${since:-$(timestamp)}"
    [ -z "$defragment" ] || printf 'defragment=%s\n' "$defragment"
  } | write_file "$STATE_DIR/upkeep" 600 root:root
}
in_seconds() { # 15m, 1h
  case $1 in
    *m) echo $((${1%m} * 60)) ;;
    *) echo $((${1%h} * 3600)) ;;
  esac
}
calendar_of() { # 15m, 1h: as systemd has it
  case $1 in
    *m) echo "*:0/${1%m}" ;;
    1h) echo "*:00" ;;
    24h) echo "00:00" ;;
    *) echo "0/${1%h}:00" ;;
  esac
}

write_units() {
  if [ -n "$interval" ]; then
    service_unit "etcd backup: one snapshot, verified" "backup --by-timer" | write_unit etcd-backup.service
    timer_unit "etcd backup every $interval" "$(calendar_of "$interval")" $(($(in_seconds "$interval") / 10)) | write_unit etcd-backup.timer
  fi
  if [ -n "$defragment" ]; then
    service_unit "etcd defragmentation, where it is worth it" "defragment --by-rule --free-mib=$free_mib --free-percent=$free_percent" |
      write_unit etcd-defragment.service
    timer_unit "etcd defragmentation at $defragment UTC" "$defragment UTC" 300 | write_unit etcd-defragment.timer
  fi
}
write_unit() { write_file "$UNIT_DIR/$1" 644 root:root; } # NAME <TEXT
# Where memory or time is short, this ends or waits, and etcd does not. 4: another member is at it.
service_unit() { # DESCRIPTION CALL
  cat <<UNIT
[Unit]
Description=$1
Documentation=https://etcd.io/docs/
After=etcd.service

[Service]
Type=oneshot
ExecStart=$PROGRAM $2
SuccessExitStatus=4
TimeoutStartSec=2h
Nice=19
IOSchedulingClass=idle
CPUWeight=20
IOWeight=10
OOMScoreAdjust=900
LimitCORE=0
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
UNIT
}
timer_unit() { # DESCRIPTION CALENDAR SPREAD-SECONDS
  cat <<UNIT
[Unit]
Description=$1

[Timer]
OnCalendar=$2
RandomizedDelaySec=$3
Persistent=true

[Install]
WantedBy=timers.target
UNIT
}

wanted_timers() { echo "${interval:+etcd-backup.timer} ${defragment:+etcd-defragment.timer}"; }
switch_timers() {
  for unit in $UPKEEP_UNITS; do
    case " $(wanted_timers) " in
      *" ${unit%.*}.timer "*) ;;
      *) take_unit_away "$unit" ;;
    esac
  done
  systemctl daemon-reload
  for timer in $(wanted_timers); do
    systemctl enable --quiet "$timer" || fail "systemd does not enable $timer on $name; see the line above"
    systemctl restart "$timer" || fail "systemd does not start $timer on $name; see 'systemctl status $timer' there"
  done
}
take_unit_away() { # NAME
  [ -e "$UNIT_DIR/$1" ] || return 0
  case $1 in *.timer) systemctl disable --quiet --now "$1" ;; esac
  rm -f "$UNIT_DIR/$1"
}
upkeep_files() {
  for file in "$ETC_DIR/store.conf" "$ETC_DIR/store.curlrc" "$ETC_DIR/store-ca.crt" "$STATE_DIR/upkeep"; do
    [ ! -e "$file" ] || echo "$file"
  done
  for timer in $(wanted_timers); do echo "$UNIT_DIR/$timer $UNIT_DIR/${timer%.timer}.service"; done
}

cmd_remove_upkeep() {
  need_owned upkeep
  take_upkeep_away
  rm -f "$STATE_DIR/owner-upkeep" "$STATE_DIR/declared-upkeep"
}
take_upkeep_away() { # the snapshots stay
  take_store_away
  [ -e "$STATE_DIR/upkeep" ] || return 0
  for unit in $UPKEEP_UNITS; do take_unit_away "$unit"; done
  systemctl daemon-reload
  rm -f "$STATE_DIR/upkeep" "$STATE_DIR/backup-error" "$STATE_DIR/last-backup"
}

# For `verify`: the timers themselves, beside the files.
verify_upkeep() {
  [ -e "$STATE_DIR/declared-upkeep" ] || return 0
  for timer in etcd-backup.timer etcd-defragment.timer; do
    [ -e "$UNIT_DIR/$timer" ] || continue
    [ "$(systemctl is-enabled "$timer" 2>/dev/null)" = enabled ] || report_difference "$timer is not enabled"
    [ "$(systemctl is-active "$timer" 2>/dev/null)" = active ] || report_difference "$timer is not active"
  done
}
upkeep_modes() { # "MODE OWNER:GROUP PATH"
  for file in store.conf store.curlrc; do [ ! -e "$ETC_DIR/$file" ] || echo "600 root:root $ETC_DIR/$file"; done
}

# For `facts`.
say_backup() {
  has_backup || return 0
  say "backup-every $(upkeep_value interval) $(upkeep_value max_age) $(rfc_time "$(upkeep_value since)")"
  last=$(cat "$STATE_DIR/last-backup" 2>/dev/null || :)
  if has_store; then
    recorded=$(ctl --endpoints=https://127.0.0.1:2379 get "$RECORD" --print-value-only 2>/dev/null | head -n 1) || recorded=''
    if is_record "$recorded"; then last="$recorded store"; fi
  fi
  # shellcheck disable=SC2086 # words
  if [ -n "$last" ]; then say_last $last; fi
  if [ -s "$STATE_DIR/backup-error" ]; then say "backup-error $(head -n 1 "$STATE_DIR/backup-error")"; fi
}
say_last() { say "backup $(rfc_time "$1") $2 $3 $7 $6"; } # TIME REVISION BYTES SHA256 NAME MEMBER WHERE
