# Preflight: everything that can be known before anything on a host changes, in one report.

REQUIRED_COMMANDS='systemctl journalctl flock sha256sum tar gzip openssl awk sed grep find install useradd groupadd getent mountpoint stat df date mktemp cmp'
MIN_SYSTEMD=239      # that of RHEL 8; what the unit and this program use came with 231 and earlier
MIN_DISK_MB=600      # the first WAL segments and the db take 130 MB, and etcd's binaries may be on the same disk
MIN_OPT_MB=250       # etcd's archive and what is in it take about 100 MB
MIN_INODES=1000
SLOW_WRITE_MS=10     # etcd's guidance for the p99 of a WAL fsync
CLOCK_LIMIT_S=5
UFW_RULES=/etc/ufw/user.rules
CLIENT_PORT=2379
PEER_PORT=2380

verdict() { # ok|warn|refuse CHECK VALUE LIMIT
  [ "$1" != refuse ] || refusals="$refusals $2: ${3# }; $(remedy "$2")."
  line=$(printf '%-6s %-12s %s (limit: %s)' "$1" "$2" "$3" "$4")
  if [ "$1" = ok ]; then say "$line"; else note "$line"; fi
}
remedy() { # CHECK: what to do about its refusal
  case $1 in
    systemd | architecture) echo "use another machine" ;;
    commands) echo "install what is missing" ;;
    owner) echo "use another machine, or remove that member from its own stack first" ;;
    address) echo "correct the address in etcd:nodes, or set listenAddress" ;;
    ports) echo "stop what listens there" ;;
    foreign) foreign_remedy ;;
    user) echo "correct it (getent passwd etcd), or make /etc/passwd writable" ;;
    data | file-system) echo "move it away, or choose another etcd:dataDir" ;;
    disk | binaries-disk | inodes) echo "free some, or mount a larger disk there" ;;
    noexec) echo "mount it without noexec" ;;
    closed) echo "let all users pass it (chmod a+x)" ;;
    writable) echo "make it writable" ;;
    memory) echo "use a larger machine, or lower etcd:quotaBackendBytes" ;;
    namespaces) echo "allow user namespaces (sysctl user.max_user_namespaces), or set etcd:unit: {privateUsers: false}" ;;
    folders) echo "give them to the user etcd (chown), or name others" ;;
    clock) echo "set this host's clock (time service: $(time_sync))" ;;
  esac
}
check() { # LEVEL-IF-FALSE CHECK VALUE LIMIT TEST...
  level=$1 what=$2 value=$3 limit=$4
  shift 4
  if "$@"; then verdict ok "$what" "$value" "$limit"; else verdict "$level" "$what" "$value" "$limit"; fi
}

preflight() {
  refusals=''
  check_system
  check_commands
  check_owner
  check_address
  check_ports
  check_data
  check_foreign
  check_user
  check_space
  check_writable
  check_mounts
  check_open
  check_memory
  check_clock
  check_disk_speed
  check_firewall
  check_ssh_limit
  check_unit
  [ -z "$refusals" ] || refuse "$name cannot run here.$refusals Nothing was changed on this host${volume:+, but its volume is mounted}"
}

check_system() {
  running=$(systemctl --version 2>/dev/null | awk 'NR == 1 { print $2 + 0 }')
  [ -d "$SYSTEMD_DIR" ] || running=0
  check refuse systemd "${running:-0}" "$MIN_SYSTEMD, as PID 1" test "${running:-0}" -ge "$MIN_SYSTEMD"
  arch=$(host_arch)
  check refuse architecture "$(uname -m)" "amd64 or arm64" test -n "$arch"
}
host_arch() { case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; esac; }

check_commands() {
  missing=''
  for command in $REQUIRED_COMMANDS; do command -v "$command" >/dev/null 2>&1 || missing="$missing $command"; done
  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || missing="$missing curl-or-wget"
  check refuse commands "${missing:-all there}" "none missing" test -z "$missing"
}

check_owner() { # another member's host, or that of another stack's cluster, is not taken over
  other=$(other_member)
  check refuse owner "${other:-nobody else}" "this host runs no other member; destroy the stack that made it first" test -z "$other"
}
other_member() { # a member that has started here and is not this one
  [ -n "$(mark_value name)" ] || return 0
  [ "$(mark_value name)" != "$name" ] || ! is_our_cluster || return 0
  if [ -e "$STATE_DIR/bootstrapped" ] || has_wal "$(mark_value data_dir)"; then
    echo "$(mark_value name) of cluster $(mark_value cluster)"
  fi
}

check_address() { # etcd must be able to listen on it
  case $listen in
    0.0.0.0 | ::) verdict ok address "$address, listening on all" "any"; return ;;
  esac
  own=$(own_addresses)
  check refuse address "$listen" "an address of this host, which has $(printf '%s' "$own" | tr '\n' ' ')" has_line "$own" "$listen"
}
own_addresses() {
  if command -v ip >/dev/null 2>&1; then ip -o addr show | awk '{ sub("/.*", "", $4); print $4 }'; else hostname -I | tr ' ' '\n'; fi
}
has_line() { # LINES LINE: asked so often that a process for each would be felt
  case "
$1
" in *"
$2
"*) return 0 ;; *) return 1 ;; esac
}

check_ports() { # free, or ours: a member that runs here is this one
  taken='' metrics_port=$(port_of "$metrics_url")
  if [ -z "$(mark_value name)" ] || ! is_running; then
    for port in $(ports_taken "$CLIENT_PORT" "$PEER_PORT" "$metrics_port"); do taken="$taken $port$(port_user "$port")"; done
  fi
  check refuse ports "${taken:-free or ours}" "$CLIENT_PORT, $PEER_PORT and $metrics_port free or ours" test -z "$taken"
}
is_our_cluster() { # as it is declared, or as it was before the last restore
  marked=$(mark_value cluster)
  [ "$marked" = "$cluster" ] || { [ -n "$former" ] && [ "$marked" = "$former" ]; }
}
port_user() { # who holds it, where ss can tell
  if command -v ss >/dev/null 2>&1; then
    ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/ (\1, pid \2)/p' | head -n 1
  fi
}

check_data() { # data that no member of this name put there is never touched
  if ! holds_data "$data_dir"; then verdict ok data "$data_dir is empty" "empty or this member's"; return; fi
  whose='an unknown owner'
  [ "$(mark_value data_dir)" != "$data_dir" ] || whose=$(mark_value name)
  check refuse data "$data_dir holds data of $whose" "empty or this member's" test "$whose" = "$name"
}

existing_parent() { dir=$1; while [ ! -d "${dir:=/}" ]; do dir=${dir%/*}; done; echo "$dir"; }
free_mb() { df -Pk "$(existing_parent "$1")" | awk 'NR == 2 { print int($4 / 1024) }'; }
free_inodes() { df -Pi "$(existing_parent "$1")" 2>/dev/null | awk 'NR == 2 && $2 > 0 { print $4 }'; } # nothing where they are not counted
check_space() {
  free=$(free_mb "$data_dir")
  check refuse disk "$free MiB free for $data_dir" "$MIN_DISK_MB MiB" test "$free" -ge "$MIN_DISK_MB"
  want=$((quota / 524288)) # the db up to its quota, and a snapshot of it
  check warn disk-quota "$free MiB free" "$want MiB: twice quotaBackendBytes" test "$free" -ge "$want"
  if [ -e "$STATE_DIR/owner-install" ]; then severity=warn; else severity=refuse; fi # what is installed already is not installed again
  free=$(free_mb "$OPT_DIR")
  check "$severity" binaries-disk "$free MiB free for $OPT_DIR" "$MIN_OPT_MB MiB" test "$free" -ge "$MIN_OPT_MB"
  free=$(free_inodes "$data_dir")
  check refuse inodes "${free:-any number of} inodes free for $data_dir" "$MIN_INODES" test "${free:-$MIN_INODES}" -ge "$MIN_INODES"
}

need_disk() { # again before a restart: preflight may have been in an earlier run
  free=$(free_mb "$data_dir")
  [ "$free" -ge "$MIN_DISK_MB" ] || refuse "$name may not restart: $free MiB are free for $data_dir, $MIN_DISK_MB needed; free some, or mount a larger disk there, then run again"
}

check_writable() {
  locked=''
  for dir in "$(dirname "$UNIT_FILE")" "$ETC_DIR" "$OPT_DIR" "$LINK_DIR" "$(dirname "$PROGRAM")" "$STATE_DIR" "$data_dir" "${snapshots:-$STATE_DIR}"; do
    at=$(existing_parent "$dir")
    probe=$(mktemp "$at/.etcd-host-XXXXXX" 2>/dev/null) && rm -f "$probe" || locked="$locked $at"
  done
  check refuse writable "${locked:-all directories}" "none read-only" test -z "$locked"
}

# The mount that a folder is on, as the kernel lists it: "MOUNT-POINT TYPE OPTIONS". Of several on one point the last counts.
mount_of() { # DIRECTORY
  real=$(readlink -f "$1") || return 0
  awk -v path="${real%/}/" '
    { at = $2; gsub(/\\040/, " ", at); if (at != "/") at = at "/" }
    index(path, at) == 1 && length(at) >= best { best = length(at); found = $2 " " $3 " " $4 }
    END { print found }' "$PROC/mounts" 2>/dev/null || :
}
check_mounts() {
  noexec=''
  for dir in "$OPT_DIR" "$(dirname "$PROGRAM")"; do
    at=$(mount_of "$(existing_parent "$dir")")
    case ",${at##* }," in *,noexec,*) noexec="$noexec ${at%% *}" ;; esac
  done
  check refuse noexec "${noexec:-none}" "$OPT_DIR and $(dirname "$PROGRAM") on mounts that programs may run from" test -z "$noexec"
  at=$(mount_of "$(existing_parent "$data_dir")")
  type=${at#* } type=${type%% *}
  severity=ok
  case $type in
    tmpfs | ramfs) severity=refuse ;; # gone at the next boot
    vfat | exfat | ntfs* | 9p | nfs* | cifs | smb* | fuse*) severity=warn ;;
  esac
  verdict "$severity" file-system "$data_dir is on ${type:-an unknown file system}" "a local file system that keeps its data"
}

# etcd is a user of its own, which has to pass every folder on the way: asked as that user, or as one that nothing knows.
check_open() {
  closed=''
  real=$(readlink -f "$data_dir" || echo "$data_dir") # the folder itself is made its own
  for dir in "${real%/*}" "$ETC_DIR" "$OPT_DIR"; do
    at=$(closed_to_etcd "$(existing_parent "$dir")")
    if [ -n "$at" ] && ! has_line "$(printf '%s' "$closed" | tr ' ' '\n')" "$at"; then closed="$closed $at"; fi
  done
  case $real in # a link into what the unit hides from etcd
    "$data_dir") ;;
    /home/* | /root/* | /tmp/* | /var/tmp/*) closed="$closed $real" ;;
  esac
  check refuse closed "${closed:-none}" "every folder on the way to $data_dir, $ETC_DIR and $OPT_DIR open to the user etcd" test -z "$closed"
}
closed_to_etcd() { # DIRECTORY: the first on the way to it that etcd may not pass
  dir=$1 barred=''
  while ! as_etcd test -x "$dir/"; do
    barred=$dir
    [ -n "$dir" ] || return 0 # not even the root: then it cannot be asked
    dir=${dir%/*}
  done
  echo "$barred"
}
as_etcd() { # COMMAND...
  if getent passwd etcd >/dev/null; then
    setpriv --reuid=etcd --regid=etcd --init-groups "$@" 2>/dev/null
  else
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@" 2>/dev/null
  fi
}

meminfo_mb() { awk -v key="$1:" '$1 == key { print int($2 / 1024) }' "$PROC/meminfo"; }
check_memory() {
  total=$(meminfo_mb MemTotal)
  want=$((quota / 1048576))
  check refuse memory "$total MiB" "$((want / 2)) MiB: half of quotaBackendBytes" test "$total" -ge $((want / 2))
  check warn memory-quota "$total MiB" "$want MiB: quotaBackendBytes, which etcd maps into memory" test "$total" -ge "$want"
  check warn swap "$(meminfo_mb SwapTotal) MiB" "0: swapping delays heartbeats" test "$(meminfo_mb SwapTotal)" = 0
  files=$(awk '/^Max open files/ { print $5 }' "$PROC/1/limits")
  check warn files "$files" "65536 open files" enough_files "$files"
}
enough_files() { [ "$1" = unlimited ] || [ "$1" -ge 65536 ]; }

# The workstation's time is not an input: it would change the plan at every run. A CA's notBefore is fixed: a host
# whose clock is before it is wrong. A clock that is ahead shows when health compares the members.
check_clock() {
  behind=$(clock_behind "$not_before")
  check refuse clock "$(date -u +%Y-%m-%dT%H:%M:%SZ), $behind s behind the CA's notBefore" "$CLOCK_LIMIT_S s" test "$behind" -le "$CLOCK_LIMIT_S"
  service=$(time_sync)
  check warn time-sync "$service" "a running time service" test "$service" != none
}
clock_behind() { # RFC 3339 time: seconds that this clock is before it, 0 when it is not
  [ -n "$1" ] || { echo 0; return; }
  late=$(($(seconds_of "$1") - $(date -u +%s)))
  [ "$late" -gt 0 ] || late=0
  echo "$late"
}
time_sync() {
  set -- systemd-timesyncd chronyd chrony ntpd ntp ntpsec openntpd
  for state in $(systemctl is-active "$@" 2>/dev/null || :); do # one word each, in this order
    if [ "$state" = active ]; then echo "$1"; return; fi
    shift
  done
  echo none
}

check_disk_speed() { # never beside a live member: the test itself would slow it
  if is_running; then verdict ok disk-speed "not measured: a member runs here" "$SLOW_WRITE_MS ms"; return; fi
  ms=$(synced_write_ms "$(existing_parent "$data_dir")")
  check warn disk-speed "${ms:-unknown} ms per synced 8 KiB write" "$SLOW_WRITE_MS ms" awk -v ms="${ms:-0}" -v max="$SLOW_WRITE_MS" 'BEGIN { exit !(ms <= max) }'
}
synced_write_ms() { # DIRECTORY: mean over 30 writes
  probe=$(mktemp "$1/.etcd-host-XXXXXX" 2>/dev/null) || return 0 # check_writable says so
  dd if=/dev/zero of="$probe" bs=8k count=30 oflag=dsync 2>&1 | awk -F, '/copied/ { split($(NF - 1), t, " "); printf "%.1f", t[1] * 1000 / 30 }'
  rm -f "$probe"
}

check_firewall() {
  command -v firewall-cmd >/dev/null 2>&1 && firewall-cmd --state >/dev/null 2>&1 || return 0
  closed=''
  for port in $CLIENT_PORT $PEER_PORT; do firewall-cmd --quiet --query-port="$port/tcp" || closed="$closed $port"; done
  check warn firewalld "${closed:-ports open}" "$CLIENT_PORT and $PEER_PORT open" test -z "$closed"
}

# Each step is a connection of its own, five to seven in a run.
check_ssh_limit() {
  [ -r "$UFW_RULES" ] && grep -q '^ENABLED=yes' "${UFW_RULES%/*}/ufw.conf" 2>/dev/null || return 0
  limited=$(sed -n 's/^### tuple ### limit [a-z]* \([0-9]*\) .*/\1/p' "$UFW_RULES" | sort -u | paste -s -d' ' -)
  check warn ssh-limit "${limited:+ufw limits port }${limited:-none}" "more than 6 connections in 30 s from the machine that runs pulumi up; without them steps fail with 'connection refused': 'ufw allow' its address first" test -z "$limited"
}
