# What the members say of themselves and of each other. "Could not ask" is never "none": a question that is not answered
# fails, and what needs its answer is not done.

with_elections() { echo $(($1 + election_timeout * 2 / 1000)); } # SECONDS

# Fills $work/members, $work/status and $work/health from whoever answers.
query_cluster() {
  list_members >"$work/members.new" || return 1 # what was seen last stays
  mv "$work/members.new" "$work/members"
  all=$(cut -d'|' -f4 "$work/members" | sed '/^$/d' | paste -s -d, -)
  ask_members
}
# Where the members were, for when no etcd runs here.
remember_endpoints() { printf '%s\n' "$all" | write_file "$STATE_DIR/endpoints" 600 root:root; }
list_members() {
  { port_taken "$CLIENT_PORT" && ask_for_members https://127.0.0.1:2379; } || ask_for_members "$(known_endpoints)" || return 1
  cat "$work/listed"
}
ask_for_members() { # ENDPOINTS
  ctl --endpoints="$1" member list -w fields >"$work/listed.fields" 2>"$work/list.log" || return 1
  member_rows <"$work/listed.fields" >"$work/listed"
  [ -s "$work/listed" ]
}
# The other members: where they were last seen, where the first start was told they are, and those declared.
known_endpoints() {
  {
    if [ -e "$STATE_DIR/endpoints" ]; then tr ',' '\n' <"$STATE_DIR/endpoints"; fi
    printf '%s\n' "$initial_cluster" | tr ',' '\n' | sed 's/^[^=]*=//; s/:2380$/:2379/'
    declared_endpoints | tr ',' '\n'
    printf '%s\n' "$endpoints" | tr ',' '\n' # of nodes that are declared elsewhere now
  } | sed '/^$/d' | sort -u | paste -s -d, -
}
ask_members() { # all at once: one that hangs costs its time-out only once
  rm -f "$work"/status-*
  asking=''
  for url in $(printf '%s' "$all" | tr ',' ' '); do
    ctl --endpoints="$url" endpoint status -w fields >"$work/status-$(printf '%s' "$url" | tr '/:' '__')" 2>/dev/null &
    asking="$asking $!"
  done
  ctl --endpoints="$all" endpoint health >"$work/health" 2>&1 || :
  for pid in $asking; do wait "$pid" || :; done
  cat "$work"/status-* >"$work/status.fields" 2>/dev/null || : # a cluster in which nobody has started has no URL to ask
  status_rows <"$work/status.fields" | sort -u >"$work/status"
}

# Rows of the member list, by the shell alone: they are asked for again and again.
voters() { while IFS= read -r row; do case $row in *'|true') ;; *) printf '%s\n' "$row" ;; esac done <"$work/members"; }
learners() { while IFS= read -r row; do case $row in *'|true') printf '%s\n' "$row" ;; esac done <"$work/members"; }
# By name; by its peer URL while it has none yet: a learner that has just been added.
my_id() {
  awk -F'|' -v name="$name" -v url="$peer_url" '
    $2 == "" && url != "" && index("," $3 ",", "," url ",") { id = $1 }
    $2 == name && name != "" { named = $1 }
    END { print named == "" ? id : named }' "$work/members"
}
row_of() { while IFS= read -r row; do case $row in "$1|"*) printf '%s\n' "$row" ;; esac done <"$work/members"; } # ID
name_of() { row_of "$1" | awk -F'|' '{ print $2 == "" ? "the member at " $3 : $2 }'; }
client_url_of() { row_of "$1" | cut -d'|' -f4 | cut -d, -f1; }
is_learner() { [ "$(row_of "$1" | cut -d'|' -f5)" = true ]; }
# Does it answer a linearizable read? With an alarm etcdctl says "unhealthy" of everybody; alarms are checked separately.
# A member that has never started has no URL, and a learner answers no such read.
is_healthy() { # CLIENT-URL; without a process, as it is asked of every member again and again
  [ -n "$1" ] || return 1
  while IFS= read -r said; do
    case $said in *"$1 is healthy"* | *"$1 is "*'Active Alarm(s)'*) return 0 ;; esac
  done <"$work/health"
  return 1
}
quorum_of() { echo $(($1 / 2 + 1)); }
healthy_voters_but() { # ID: "name url" of each healthy voter but that one
  voters | while IFS='|' read -r id voter _ clients _; do
    [ "$id" = "$1" ] || ! is_healthy "${clients%%,*}" || echo "$voter ${clients%%,*}"
  done
}
unhealthy_voters_but() { # ID: names
  voters | while IFS='|' read -r id voter _ clients _; do
    [ "$id" = "$1" ] || is_healthy "${clients%%,*}" || echo "${voter:-(never started)}"
  done | paste -s -d' ' -
}
healthy_urls_but() { healthy_voters_but "$1" | cut -d' ' -f2 | paste -s -d, -; }

every_voter_answers() { # who is healthy says its status, too
  silent=$(healthy_voters_but none | while read -r voter url; do
    cut -d'|' -f1 "$work/status" | grep -qxF "$url" || echo "$voter"
  done | paste -s -d' ' -)
  [ -z "$silent" ] || say_problem "$silent is healthy, but did not say its status; run again"
}
healthy_status() {
  healthy_voters_but none | while read -r _ url; do awk -F'|' -v url="$url" '$1 == url' "$work/status"; done
}
# Answers of different moments differ by thousands of entries where much is written: the leader's is the goal, and the
# others have some time to reach it.
leader_index() { awk -F'|' '$2 == $4 { print $5 }' "$work/status" | head -n 1; }
applied_at() { # CLIENT-URL; 0 if it does not say
  applied=$(ctl --endpoints="$1" endpoint status -w fields 2>/dev/null | status_rows | cut -d'|' -f6)
  echo "${applied:-0}"
}
LAG_SECONDS=10 # and two elections
reaches() { # CLIENT-URL INDEX APPLIED-BEFORE
  reached_by=$(($(date +%s) + $(with_elections "$LAG_SECONDS")))
  applied_then=$3
  until [ "$applied_then" -ge "$2" ]; do
    [ "$(date +%s)" -lt "$reached_by" ] || return 1
    sleep 0.2
    applied_then=$(applied_at "$1")
  done
}
# Of a large db everything takes its time: at 10 MiB a second, the largest size that is known here.
with_db() { # SECONDS
  bytes=$({ cut -d'|' -f7 "$work/status" || :; stat -c %s "$data_dir/member/snap/db" || :; } 2>/dev/null | sort -n | tail -n 1)
  echo $(($1 + ${bytes:-0} / 10485760))
}
leader_id() { healthy_status | awk -F'|' 'NR == 1 { print $4 }'; }
newest_voter_but() { # ID: another one's ID; never one that will be removed
  voters | while IFS='|' read -r id voter _ clients _; do
    url=${clients%%,*}
    if [ "$id" != "$1" ] && is_healthy "$url" && stays "$voter"; then
      fetch_from client "${url#https://}" "$work/metrics" 'GET /metrics HTTP/1.0\r\n\r\n'
      started_at=$(awk '$1 == "process_start_time_seconds" { printf "%.0f", $2 }' "$work/metrics")
      echo "${started_at:-0} $id" # who does not say when is no worse than nobody
    fi
  done | sort -n | awk 'END { print $2 }'
}
stays() { [ -z "$members" ] || has_line "$(declared_names)" "$1"; }
