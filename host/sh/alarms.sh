# Alarms: none settles by itself, and each of them keeps etcd from writing. NOSPACE may be allowed by name; CORRUPT ends only
# with the member that it concerns, so it is in nobody's way who replaces that one.

replaces='' # the ids of the members whose place is taken
no_alarm() {
  ask_for_alarms || return 1
  case $alarms in
    '') ;;
    NOSPACE) allowed nospace-alarm ||
      refuse "the alarm NOSPACE is raised: no write passes. 'npm run reclaim' explains it, clears its cause and disarms it; then run again" ;;
    CORRUPT) is_replaced_corruption || refuse "$(corruption)" ;;
    *) refuse "the alarm $alarms is raised; clear its cause, then 'etcd-host ctl alarm disarm'" ;;
  esac
}
ask_for_alarms() {
  ctl --endpoints="$(healthy_urls_but none)" alarm list >"$work/alarms" 2>"$work/alarms.log" ||
    say_problem "no healthy member says whether an alarm is raised ($(plain_answer <"$work/alarms.log" | cut -c1-200)); see 'etcd-host health', then run again" || return 1
  alarms=$(sed 's/.*alarm://; s/ *$//' "$work/alarms" | sort -u | paste -s -d' ' -)
}
allowed() { case " $allow " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# Whom CORRUPT concerns. etcd names it where it knows, 3.5 never does; else the members' hashes at one revision tell, if
# most voters have the same: all others are not to be trusted. Nobody: who was corrupt is no member any more.
find_corrupt() { # fills $corrupt; false: nobody can tell
  corrupt=$(sed -n 's/^memberID:\([1-9][0-9]*\) alarm:CORRUPT.*/\1/p' "$work/alarms" | while read -r id; do
    [ -z "$(row_of "$id")" ] || echo "$id"
  done)
  [ -z "$corrupt" ] || return 0
  ask_hashes
  most=$(awk '$2 != "silent" { print $2 }' "$work/hashes" | sort | uniq -c | sort -n | awk 'END { print $1 + 0, $2 }')
  [ "${most%% *}" -ge "$(quorum_of "$(voters | wc -l)")" ] || return 1
  corrupt=$(awk -v hash="${most##* }" '$2 != hash { print $1 }' "$work/hashes")
}
ask_hashes() { # "ID HASH" of each voter, at a revision that all of them have
  revision=$(sed -n 's/^"Revision" : //p' "$work/status.fields" | sort -n | head -n 1)
  voters >"$work/to-hash"
  while IFS='|' read -r id _ _ clients _; do
    ctl --endpoints="${clients%%,*}" endpoint hashkv --rev="${revision:-0}" -w fields >"$work/hash" 2>/dev/null </dev/null || : >"$work/hash"
    hash=$(sed -n 's/^"Hash" : //p' "$work/hash")
    echo "$id ${hash:-silent}"
  done <"$work/to-hash" >"$work/hashes"
}
corruption() { # the sentence
  if ! find_corrupt; then
    echo "the alarm CORRUPT is raised, members disagree about the data, and no majority is left: stop the writers, and restore the data of the member that you trust (etcd-host snapshot --from-data there, then etcd:restore; docs/restore.md)"
  elif [ -z "$corrupt" ]; then
    echo "the alarm CORRUPT is raised, but all members agree about the data: 'etcd-host ctl alarm disarm', then run again"
  else
    echo "the alarm CORRUPT concerns $(for id in $corrupt; do name_of "$id"; done | paste -s -d' ' -): raise its incarnation, nothing else helps; writes stay refused until then"
  fi
}
is_replaced_corruption() {
  [ -n "$replaces" ] && find_corrupt || return 1
  for id in $corrupt; do has_line "$replaces" "$id" || return 1; done
}
# With the corrupt member gone, writes are let in again at once; nothing else could be recorded before.
disarm_corruption() {
  [ "$alarms" = CORRUPT ] || return 0
  query_cluster || fail "the cluster no longer answers; run again"
  disarm CORRUPT
  without_lock=''
}
disarm() { # ALARM
  ctl --endpoints="$(healthy_urls_but none)" alarm disarm >"$work/disarm" 2>&1 ||
    fail "the alarm $1 cannot be disarmed: $(plain_answer <"$work/disarm"); run again"
  until_proven ask_for_alarms
  [ -z "$alarms" ] || fail "the alarm $alarms was raised again as soon as it was disarmed; see 'etcd-host ctl alarm list'"
  note "disarmed the alarm $1"
}

# A snapshot has the alarms of its cluster with it: of members that this one does not have, and nothing could be written.
forget_alarms_before() {
  until_proven ask_for_alarms
  sed -n 's/^memberID:\([0-9]*\) alarm:.*/\1/p' "$work/alarms" >"$work/alarmed"
  strangers=$(while read -r id; do [ -n "$(row_of "$id")" ] || echo "$id"; done <"$work/alarmed")
  [ -z "$strangers" ] || disarm "$alarms"
}

# The quota was raised, or keys were deleted and the members defragmented: with room at each of them, writes are let in again.
FULL_PERCENT=90
NO_ROOM="not every member says that its database is below $FULL_PERCENT % of its quota; 'npm run reclaim' says what to do"
disarm_no_space() {
  allowed nospace-alarm || return 0
  until_proven ask_for_alarms
  [ "$alarms" = NOSPACE ] || return 0
  if has_room_everywhere; then disarm NOSPACE; else note "the alarm NOSPACE stays: $NO_ROOM"; fi
}
has_room_everywhere() { # before 3.6 no member says its quota: then it is the one that is declared
  roomy=$(awk -v full="$FULL_PERCENT" -v declared="${quota:-0}" '
    { key = $1; gsub(/"/, "", key); field[key] = $3 }
    key == "Endpoint" {
      limit = "DBSizeQuota" in field ? field["DBSizeQuota"] : declared
      if (limit * full > field["DBSize"] * 100) count++
      split("", field)
    }
    END { print count + 0 }' "$work/status.fields")
  [ "$roomy" -ge "$(voters | wc -l)" ]
}
