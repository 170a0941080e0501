# prove: the last step. The whole cluster is as declared and healthy, or the run fails with the first thing that is not.

PROVE_SECONDS=60    # and six elections: a new cluster may need more than one, a started member catches up
TOLD_SECONDS=5      # once all are healthy: a member that has just begun to serve says what it was told
SLOW_FSYNC_MS=10    # etcd's guidance for the p99 of a WAL fsync

cmd_prove() { # stdin: the members, then what the program wants recorded as deployed (JSON); stdout: the proof, a marked line of JSON
  need version "$version"
  need_root
  read_members
  mkdir -p "$RUN_DIR"
  work=$(mktemp -d "$RUN_DIR/.prove-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cat >"$work/deployed"
  patience=$((PROVE_SECONDS + election_timeout * 6 / 1000))
  deadline=$(($(date +%s) + patience))
  told_deadline=''
  until prove_once; do
    [ "$(date +%s)" -lt "$deadline" ] || not_proven
    sleep 0.2
  done
  ctl --endpoints="$all" member list -w table >"$work/table" & table_pid=$!
  record_incarnations
  slow=$(fsync_ms)
  warn_of_slowness
  wait "$table_pid" || fail "the cluster no longer lists its members; run again"
  proof_json | print_proof
}

not_proven() {
  note "the cluster is not healthy after $patience s: $problem$(why_silent)"
  note "repair that, then run 'pulumi up' again; where a member's own step has to run for it, raise etcd:checkId"
  exit 5
}

# The parts that settle by themselves are waited for; a wrong clock or certificate is not, and ends the run at once.
prove_once() {
  problem=''
  ask_cluster && check_told && check_members && check_status && check_alarms || return 1
  ask_each_member
  check_clocks && check_certificates
}

ask_cluster() { # all at once: each answer is a file
  all=$(declared_endpoints)
  ctl --endpoints="$all" endpoint health --cluster >"$work/health" 2>&1 & health_pid=$!
  ctl --endpoints="$all" endpoint status -w fields >"$work/status.fields" 2>"$work/status.log" & status_pid=$!
  ctl --endpoints="$all" member list -w fields >"$work/members.fields" 2>"$work/members.log" & members_pid=$!
  ctl --endpoints="$all" alarm list >"$work/alarms" 2>&1 & alarms_pid=$!
  ctl --endpoints="$all" get --prefix etcd-host/ >"$work/recorded.lines" 2>"$work/recorded.log" & recorded_pid=$!
  healthy=yes recorded=yes
  wait "$health_pid" || healthy=''
  wait "$recorded_pid" || recorded=''
  for pid in "$status_pid" "$members_pid" "$alarms_pid"; do wait "$pid" || :; done # what is missing shows in what was said
  member_rows <"$work/members.fields" | sort -t'|' -k2 >"$work/members"
  status_rows <"$work/status.fields" | sort >"$work/status"
  paste -d' ' - - <"$work/recorded.lines" >"$work/recorded"
  ! grep -q 'alarm:CORRUPT' "$work/alarms" || say_problem "$(corruption)" || return 1 # else everybody is just "unhealthy"
  [ -n "$healthy" ] || say_problem "$(unhealthy_line "$work/health" | cut -c1-300)" || return 1
  [ -n "$recorded" ] || say_problem "the cluster does not say which members are recorded: $(plain_answer <"$work/recorded.log" | cut -c1-300)"
}
unhealthy_line() { { grep -m 1 'is unhealthy' "$1" || grep -v 'is healthy' "$1"; } | plain_answer; }

# A member that was told something else is not as declared, however healthy: its step failed, and Pulumi has nothing to run
# since what it was told is declared no more.
check_told() {
  others=''
  for one in $told; do
    is=$(awk -v key="$STEPS${one%%=*}" '$1 == key { print $2 }' "$work/recorded")
    [ -z "$is" ] || [ "$is" = "${one#*=}" ] || others="$others ${one%%=*}"
  done
  [ -n "$others" ] || return 0
  problem="what$others was told last is not what is declared: a change of it failed, or its step was left out. Raise etcd:checkId, then run 'pulumi up', so that its step runs again"
  [ -n "$told_deadline" ] || told_deadline=$(($(date +%s) + TOLD_SECONDS))
  [ "$(date +%s)" -lt "$told_deadline" ] || { note "$problem"; exit 5; }
  return 1
}

check_members() {
  unstarted=$(awk -F'|' '$2 == "" { print $3 }' "$work/members")
  [ -z "$unstarted" ] || say_problem "the member at $unstarted is in the list but has never started" || return 1
  learners=$(awk -F'|' '$5 == "true" { print $2 }' "$work/members")
  [ -z "$learners" ] || say_problem "$learners is still a learner" || return 1
  declared_rows >"$work/declared"
  listed_rows "$work/members" >"$work/listed"
  unexpected=$(comm -13 "$work/declared" "$work/listed" 2>/dev/null || grep -vxFf "$work/declared" "$work/listed" || :)
  [ -z "$unexpected" ] || say_problem "the member list has '$unexpected', which is not declared" || return 1
  same_file "$work/declared" "$work/listed" || say_problem "a declared member is missing from the member list (one that was removed joins again with a raised incarnation): $(grep -vxFf "$work/listed" "$work/declared" | tr '\n' ' ')"
}

check_status() {
  [ "$(wc -l <"$work/status")" = "$(wc -l <"$work/members")" ] || say_problem "not every member answers: $(plain_answer <"$work/status.log" | cut -c1-300)" || return 1
  [ "$(cut -d'|' -f8 "$work/status" | sort -u | wc -l)" = 1 ] || say_problem "the members belong to different clusters" || return 1
  [ "$(cut -d'|' -f4 "$work/status" | sort -u | wc -l)" = 1 ] || say_problem "the members do not agree on one leader" || return 1
  other=$(awk -F'|' -v version="$version" '$3 != version { print $1 " runs " $3 }' "$work/status")
  [ -z "$other" ] || say_problem "$other, not $version" || return 1
  target=$(downgrade_target)
  [ -z "$target" ] || [ "$target" = "$(minor_of "$version")" ] ||
    fail "a downgrade to $target was begun, and etcd:version is $version: 'etcd-host ctl downgrade cancel' ends it; or declare a version of $target to finish it"
  goal=$(leader_index)
  [ -n "$goal" ] || say_problem "the leader does not say how far its log is" || return 1
  while IFS='|' read -r endpoint _ _ _ _ applied _; do
    reaches "$endpoint" "$goal" "$applied" </dev/null || say_problem "the member at $endpoint is $((goal - applied_then)) log entries behind the leader and does not catch up" || return 1
  done <"$work/status"
}

check_alarms() {
  [ ! -s "$work/alarms" ] || say_problem "there is an alarm: $(tr '\n' ' ' <"$work/alarms" | cut -c1-200)"
}

# One connection a member brings its certificate, its clock (the Date header) and its metrics.
ask_each_member() {
  for member in $members; do
    member_name=${member%%=*} endpoint=$(client_url "$member")
    endpoint=${endpoint#https://}
    fetch_from client "$endpoint" "$work/client-$member_name" 'GET /metrics HTTP/1.0\r\n\r\n' &
    peer=$(peer_url_of "$member")
    fetch_from peer "${peer#https://}" "$work/peer-$member_name" '' &
  done
  wait
}
check_clocks() {
  for member_name in $(declared_names); do
    there=$(sed -n 's/^Date: //p' "$work/client-$member_name" | tr -d '\r' | head -n 1)
    [ -n "$there" ] || say_problem "$member_name does not answer on its client URL" || return 1
    off=$(($(seconds_of "$there") - $(cat "$work/client-$member_name.at")))
    [ "${off#-}" -le "$CLOCK_LIMIT_S" ] || fail "the clock of $member_name is ${off#-} s off this host's (limit: $CLOCK_LIMIT_S s); set the clocks, then run again"
  done
}

check_certificates() {
  lasts_all client && lasts_all peer && return 0
  for side in client peer; do
    for member_name in $(declared_names); do
      file=$work/$side-$member_name
      openssl x509 -in "$file" -noout 2>/dev/null || say_problem "$member_name does not answer on its $side URL" || return 1
      signed_by "$ETC_DIR/pki/$side-ca.crt" "$file" || say_problem "$member_name serves a $side certificate of another CA than $(hostname) has" || return 1
      refuse_ca_end "$side" "$file"
      if openssl x509 -in "$file" -noout -checkend $((min_days * 86400)) >/dev/null 2>&1; then continue; fi
      fail "the $side certificate of $member_name expires on $(end_date "$file"), within $min_days days; 'pulumi up' renews it where renewBeforeDays is larger than that"
    done
  done
}

# In one run of openssl: what the members serve, by this host's CA bundle, each judged with its CA.
lasts_all() { # client|peer
  side=$1
  set --
  for member_name in $(declared_names); do set -- "$@" "$work/$side-$member_name"; done
  openssl verify -partial_chain -no-CApath -CAfile "$ETC_DIR/pki/$side-ca.crt" -attime $(($(date +%s) + min_days * 86400)) "$@" >/dev/null 2>&1
}
# Of the CA that issued it; another one that is trusted may end.
refuse_ca_end() { # client|peer CERTIFICATE
  number=1
  while certificate_in "$ETC_DIR/pki/$1-ca.crt" "$number" >"$work/ca" && [ -s "$work/ca" ]; do
    ! signed_by "$work/ca" "$2" || openssl x509 -in "$work/ca" -noout -checkend $((min_days * 86400)) >/dev/null 2>&1 ||
      fail "the $1 CA expires on $(end_date "$work/ca"), within $min_days days; renew it: set caRenewBeforeDays to more than that, then 'pulumi up'"
    number=$((number + 1))
  done
}

# Which incarnation of each member has been proven: a later join of the same one would hide that its data is gone.
record_incarnations() {
  {
    for member in $members; do echo "$INCARNATIONS${member%%=*} ${member##*=}"; done
    for one in $told; do echo "$STEPS${one%%=*} ${one#*=}"; done
  } | while read -r entry; do
    grep -qxF "$entry" "$work/recorded" || echo "put $entry"
  done >"$work/puts"
  [ -s "$work/puts" ] || return 0
  { echo; cat "$work/puts"; echo; echo; } | ctl --endpoints="$all" txn >"$work/txn" 2>&1 ||
    fail "cannot write to the cluster: $(plain_answer <"$work/txn")"
}

warn_of_slowness() {
  awk -v ms="$slow" -v max="$SLOW_FSYNC_MS" 'BEGIN { exit !(ms > max) }' &&
    note "a WAL fsync takes up to $slow ms (p99 of the slowest member; etcd's guidance: $SLOW_FSYNC_MS ms)"
  return 0
}
# The p99 of a histogram over all members: the upper bound of the bucket it falls in, in milliseconds.
p99_ms() { # METRIC
  for member_name in $(declared_names); do
    awk -v metric="$1_bucket" '
      index($0, metric "{") == 1 { le = $0; sub(/.*le="/, "", le); sub(/".*/, "", le); count[le] += $2; if (le != "+Inf") bound[++n] = le }
      END { for (i = 1; i <= n; i++) if (count[bound[i]] >= 0.99 * count["+Inf"] && (best == "" || bound[i] + 0 < best)) best = bound[i] + 0
        if (count["+Inf"] > 0 && best != "") print best * 1000 }' "$work/client-$member_name"
  done | sort -n | tail -n 1
}
fsync_ms() { p99_ms etcd_disk_wal_fsync_duration_seconds; }
round_trip_ms() { p99_ms etcd_network_peer_round_trip_time_seconds; }

proof_json() {
  leader=$(cut -d'|' -f4 "$work/status" | head -n 1)
  printf '{"version":"%s","clusterId":"%s",' "$version" "$(hex_id "$(cut -d'|' -f8 "$work/status" | head -n 1)")"
  printf '"fsyncP99Ms":%s,"roundTripP99Ms":%s,' "$(number "$slow")" "$(number "$(round_trip_ms)")"
  printf '"members":['
  comma=''
  while IFS='|' read -r id member_name peers clients _; do
    if [ "$id" = "$leader" ]; then leads=true; else leads=false; fi
    printf '%s{"name":"%s","id":"%s","peerUrl":"%s","clientUrl":"%s","leader":%s}' \
      "$comma" "$member_name" "$(hex_id "$id")" "$peers" "$clients" "$leads"
    comma=,
  done <"$work/members"
  printf '],"health":%s,' "$(cat "$work/health" "$work/table" | json_string)"
  printf '"recorded":"%s"' "$(sha256sum <"$work/deployed" | cut -d' ' -f1)"
  printf '}\n'
}
number() { echo "${1:-null}"; }
json_string() { tr -d '\000-\010\013-\037' | awk 'BEGIN { printf "\"" } { gsub(/[\\"]/, "\\\\&"); gsub(/\t/, "\\t"); printf "%s%s", (NR > 1 ? "\\n" : ""), $0 } END { printf "\"" }'; }
