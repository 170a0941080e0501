# drill: proves that a snapshot restores. It is fetched, laid out beside the snapshots, started and asked, in a network of
# its own: its ports are nobody else's, and it reaches nobody. The member, its data and its ports are not touched.

DRILL_UNIT=etcd-drill.service
DRILL_BUMP=1000000000
DRILL_SECONDS=120  # until it answers, and one more for each 4 MiB
DRILL_SPARE_MB=200 # its log, which etcd lays out ahead

cmd_drill() { # stdin: the identity of age, where the snapshot is encrypted
  need_root
  name=$(mark_value name) data_dir=$(mark_value data_dir) version=$(linked_version)
  [ -n "$name" ] || refuse "this host has not been prepared"
  mkdir -p "$RUN_DIR"
  exec 7>"$RUN_DIR/lock-drill"
  wait_for_lock 7
  work=$(mktemp -d "$RUN_DIR/.drill-XXXXXX")
  drill_dir=$(snapshots_dir)/.drill
  trap 'rm -rf "$work" "$drill_dir"' EXIT
  end_last_drill
  choose_drilled
  age_identity=$work/identity # gone with this run
  case $snapshot in *.age) take_identity ;; esac
  size_mb=$(db_mb https://127.0.0.1:2379)
  need_drill_room $((3 * ${size_mb:-0})) # as it is stored, unpacked, and laid out
  begin_report
  install -d -m 0700 "$drill_dir"
  problem=''
  (fetch_drilled; drill_apart) 2>"$work/said" || problem=$(why_not_held)
  judge_drill
}
# What a run left that was killed; its own part may still be at work.
end_last_drill() {
  [ -e "$drill_dir" ] || return 0
  systemctl stop "$DRILL_UNIT" 2>/dev/null || :
  rm -rf "$drill_dir"
}
take_identity() {
  cat >"$age_identity"
  [ -s "$age_identity" ] || refuse "the snapshot $snapshot is encrypted, and no key came on stdin: etcd-host drill --snapshot=NAME < identity"
}
need_drill_room() { # MB
  reserve=$(upkeep_value reserve) want=$(($1 + DRILL_SPARE_MB))
  reserve=${reserve:-$RESERVE_MB} free=$(free_mb "$drill_dir")
  [ "$free" -ge $((want + reserve)) ] ||
    refuse "$name has $free MiB free in ${drill_dir%/*}; the drill needs $want and leaves $reserve alone: free some, or drill on another host"
}

# Of the store by its key there, so that the way back from it is proven; else the newest that is kept here.
choose_drilled() {
  problem=''
  if [ -z "$snapshot" ] && has_store; then
    store_list "$(mark_value cluster)/" >"$work/listed" || fail "$problem"
    snapshot=$(sed -n 's/\.sha256 [0-9]*$//p' "$work/listed" | sort -t/ -k3 | tail -n 1)
  fi
  [ -n "$snapshot" ] || snapshot=$(packed_files "$(snapshots_dir)" | tail -n 1 | sed 's|.*/||')
  [ -n "$snapshot" ] || refuse "there is no snapshot, neither on $name nor in a store; etcd-host backup saves one"
}
lies_in_store() { case $snapshot in */*) has_store ;; *) return 1 ;; esac; }
fetch_drilled() { # sets $found and $sha256
  began=$(centiseconds)
  if lies_in_store; then
    found=$drill_dir/${snapshot##*/}
    store_get "$snapshot" "$found" || fail "the snapshot $snapshot cannot be fetched: $problem"
    [ -n "$sha256" ] || store_get "$snapshot.sha256" "$work/digest" || fail "the sha256 of $snapshot cannot be fetched: $problem"
    sha256=${sha256:-$(cut -d' ' -f1 "$work/digest")}
  else
    look_for_snapshot || refuse "$name has no snapshot $snapshot: 'npm run backups' says who has it"
    sha256=${sha256:-$(packed_digest "$found")}
    [ -n "$sha256" ] || sha256=$(digest_of "$found") # what etcd appended is compared all the same
  fi
  say_took fetch "$began" >>"$work/report"
}

# The program runs there from a file of its own: that which was sent for this one run goes with its connection.
drill_apart() {
  cp "$0" "$work/program"
  readlink "$PROC/self/ns/net" >"$work/network"
  systemd-run --quiet --wait --pipe --collect --unit="$DRILL_UNIT" --description="etcd drill of a snapshot" \
    -p PrivateNetwork=yes -p PrivateTmp=yes -p ProtectSystem=strict -p "ReadWritePaths=$work $drill_dir" \
    -p "InaccessiblePaths=-$data_dir" -p NoNewPrivileges=yes -p LimitCORE=0 -p UMask=0077 \
    -p MemoryMax=50% -p CPUWeight=10 -p IOWeight=10 -p Nice=19 -p OOMScoreAdjust=1000 -p RuntimeMaxSec=30min \
    sh "$work/program" drill-apart --name="$name" --version="$version" --snapshot="$found" --sha256="$sha256" \
    </dev/null >"$work/apart" && grep -qx held "$work/apart"
}
why_not_held() {
  case $(tail -n 1 "$work/said") in 'etcd-host: refused: '*) cat "$work/said" >&2; exit 3 ;; esac
  why=$(sed -n '$s/^etcd-host: \(failed: \)\{0,1\}//; $p' "$work/said")
  echo "${why:-systemd ended the drill; see journalctl -u $DRILL_UNIT on $name}"
}

# A line each: its word, and what is said of it.
begin_report() {
  taken=$(printf '%s\n' "$snapshot" | sed -n 's/.*\([0-9]\{8\}T[0-9]\{6\}Z\).*/\1/p')
  say "snapshot $snapshot" >"$work/report"
  age=''
  [ -z "$taken" ] || age=$(($(date +%s) - $(seconds_of "$(rfc_time "$taken")")))
  [ -z "$taken" ] || printf 'taken %s\nage %s\n' "$(rfc_time "$taken")" "$age" >>"$work/report"
  # asked before: from in there the cluster is not reached
  read_record || note "the cluster does not answer, so it is not known how much was written since: $(plain_answer <"$work/record.log")"
}
centiseconds() { sed 's/^\([0-9]*\)\.\([0-9]*\) .*/\1\2/' "$PROC/uptime"; }
say_took() { # WHAT SINCE: in seconds
  took=$(($(centiseconds) - $2))
  say "$1 $((took / 100)).$((took / 10 % 10))"
}
judge_drill() {
  [ ! -e "$work/apart" ] || grep -vx held "$work/apart" >>"$work/report" || :
  revision=$(sed -n 's/^revision //p' "$work/report")
  [ -z "$revision" ] || [ -z "$agreed_revision" ] || say "ahead $((agreed_revision - revision))" >>"$work/report"
  max_age=$(upkeep_value max_age)
  [ -n "$problem" ] || [ -z "$max_age" ] || [ -z "$age" ] || [ "$age" -le "$max_age" ] ||
    problem="it restores, and is too old: $((age / 60)) min, and $((max_age / 60)) min are allowed"
  say "result ${problem:-ok}" >>"$work/report"
  verdict=ok
  [ -z "$problem" ] || verdict=failed
  printf '%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ) $verdict $snapshot${problem:+ $problem}" | write_file "$STATE_DIR/last-drill" 600 root:root
  if [ -n "$json" ]; then report_as_json <"$work/report"; else cat "$work/report"; fi
  [ -z "$problem" ] || exit 5
}
report_as_json() {
  tr -d '\000-\011\013-\037' | awk '
    {
      value = substr($0, length($1) + 2)
      gsub(/[\\"]/, "\047", value)
      if (value !~ /^[0-9]+(\.[0-9]+)?$/ && value !~ /^-[0-9]+$/) value = "\"" value "\""
      printf "%s\"%s\":%s", NR == 1 ? "{" : ",", $1, value
    }
    END { print "}" }'
}
say_drill() { # for `facts`
  if [ -s "$STATE_DIR/last-drill" ]; then say "drill $(head -n 1 "$STATE_DIR/last-drill")"; fi
}
