# The systemd service and what its running process was started with.

unit_property() { systemctl show etcd.service --property="$1" --value 2>/dev/null; }
# "Cannot tell" is not "no": what follows may touch the data of a live member.
is_running() {
  pid=$(unit_property MainPID) || fail "systemd does not answer on this host; see 'systemctl status', then run again"
  [ -n "$pid" ] && [ "$pid" != 0 ]
}
is_ready() { [ "$(unit_property ActiveState)" = active ]; }
has_wal() { # DATA-DIRECTORY
  set -- "$1"/member/wal/*.wal
  [ -e "$1" ] || [ -L "$1" ]
}

# etcd makes its WAL before it writes the list of members into it. One that ended in between never finds its peers again;
# with no entry in its log it has acknowledged nothing.
EMPTY_LOG_BYTES=100 # other than zero: 52 without an entry, of which the first alone has about a hundred
has_empty_log() { # DATA-DIRECTORY
  set -- "$1"/member/wal/*.wal
  [ $# = 1 ] && [ "${1##*/}" = 0000000000000000-0000000000000000.wal ] && [ "$(tr -d '\000' <"$1" | wc -c)" -lt "$EMPTY_LOG_BYTES" ]
}

# The permit that lets the unit start without a WAL, for one bootstrap. In /run: a reboot takes it away.
PERMIT_NAME=bootstrap
grant_permit() { mkdir -p "$RUN_DIR"; : >"$RUN_DIR/$PERMIT_NAME"; }
revoke_permit() { rm -f "$RUN_DIR/$PERMIT_NAME"; }

# ExecStartPre of the unit: keeps what this very process is started with. etcd reads CA bundles only at its start,
# and a unit file may change after it, so "does the running process differ?" is answered from here.
cmd_started() {
  mkdir -p "$RUN_DIR/started"
  cp -f "$UNIT_FILE" "$RUN_DIR/started/unit"
  cp -f "$ETC_DIR/pki/client-ca.crt" "$ETC_DIR/pki/peer-ca.crt" "$RUN_DIR/started/"
  loaded_drop_ins >"$RUN_DIR/started/drop-ins"
}
# Files that change our unit from beside it. Those for all units of a system (Fedora's, say) are its own business.
loaded_drop_ins() { unit_property DropInPaths | tr ' ' '\n' | grep '/etcd\.service\.d/' || :; }
drop_ins() { # those that the next reload would find, too
  {
    loaded_drop_ins
    for file in "$UNIT_FILE".d/*.conf; do if [ -e "$file" ]; then echo "$file"; fi; done
  } | sort -u
}
# Kept aside under their own paths: whoever made them may want to read them again.
set_drop_ins_aside() {
  [ -n "$(drop_ins)" ] || return 0
  drop_ins_aside=$(free_name "$STATE_DIR/aside-$(timestamp)")
  for file in $(drop_ins); do # systemd may not know yet that one is gone
    mkdir -p "$drop_ins_aside$(dirname "$file")"
    [ ! -e "$file" ] || mv "$file" "$drop_ins_aside$file"
  done
  note "the drop-ins that changed the unit are kept in $drop_ins_aside"
  systemctl daemon-reload
}
put_drop_ins_back() { if [ -n "$drop_ins_aside" ]; then cp -R "$drop_ins_aside/." /; fi; }
# ExecStartPost, which systemd runs once etcd has said that it is ready: it has been in a quorum, and is no founder
# that could begin again. From now on it starts by its WAL alone.
cmd_served() {
  revoke_permit
  : >"$STATE_DIR/served"
  tell_kept
}
has_served() { [ -e "$STATE_DIR/served" ]; }
# What differs between the declared and the running? Empty: nothing, no restart needed.
differences() { # UNIT
  same_file "$1" "$RUN_DIR/started/unit" || say "unit"
  same_file "$ETC_DIR/pki/client-ca.crt" "$RUN_DIR/started/client-ca.crt" || say "client CA bundle"
  same_file "$ETC_DIR/pki/peer-ca.crt" "$RUN_DIR/started/peer-ca.crt" || say "peer CA bundle"
  started_without_drop_ins || say "drop-in"
  runs_installed_binary || say "binary"
}
started_without_drop_ins() { # for a process older than this record, what is there now counts
  if [ -e "$RUN_DIR/started/drop-ins" ]; then [ ! -s "$RUN_DIR/started/drop-ins" ]; else [ -z "$(loaded_drop_ins)" ]; fi
}
# A process may still run a file that was replaced meanwhile, by a person or a repair.
runs_installed_binary() {
  installed=$(awk '$2 ~ /\/etcd$/ { print $1 }' "$STATE_DIR/declared-install" 2>/dev/null)
  running=$PROC/$(unit_property MainPID)/exe
  [ -z "$installed" ] || ! [ -e "$running" ] || [ "$(digest_of "$running")" = "$installed" ]
}

# Those of PORTS that are listened on. Read from /proc, so that no tool is needed, and once: the kernel looks through all of
# its connections for it, some 15 ms. 0A is LISTEN.
ports_taken() { # PORT...
  awk -v ports="$*" 'BEGIN { count = split(ports, port, " "); for (i = 1; i <= count; i++) wanted[sprintf("%04X", port[i])] = port[i] }
    $4 == "0A" { n = split($2, part, ":"); if (part[n] in wanted) taken[part[n]] = 1 }
    END { for (i = 1; i <= count; i++) if (sprintf("%04X", port[i]) in taken) print port[i] }' "$PROC"/net/tcp* 2>/dev/null
}
port_taken() { [ -n "$(ports_taken "$1")" ]; }
port_of() { printf '%s\n' "$1" | sed 's/.*:\([0-9][0-9]*\).*/\1/'; }
