# The quorum proof: asked of etcd's own API right before anything that takes a member away, for a moment or for good.

# Each and two elections. What settles by itself is waited for: of two members, the other one may be restarting. While
# leadership is elsewhere only to be tested, those who cannot follow the new leader serve nobody.
PROOF_SECONDS=10
HANDOVER_SECONDS=3

# A proof that does not hold says in $problem what is missing. That may be an election, or a moment in which a member is
# busy, so it is asked for again before it is a refusal. What does not settle by itself is refused by the proof, at once.
settles() { # SECONDS PROOF ARGUMENT...
  settled_by=$(($(date +%s) + $(with_elections "$1")))
  shift
  until look && "$@"; do
    [ "$(date +%s)" -lt "$settled_by" ] || return 1
    sleep 0.5
  done
}
say_problem() { problem=$*; return 1; }
until_proven() { settles "$PROOF_SECONDS" "$@" || refuse "$problem"; } # PROOF ARGUMENT...
look() {
  query_cluster ||
    say_problem "no member answers, so nothing can be proven; see 'etcd-host status' on the hosts, start what is stopped, then run again$(why_silent)"
}

# May this member stop for a moment? The others are untouched.
can_restart() { # [WHAT-ELSE-IT-MAY]
  may=${1:-restart}
  me=$(my_id)
  [ -n "$me" ] || refuse_removed
  no_alarm || return 1
  if is_learner "$me"; then return; fi # it has no vote to lose
  no_other_rebuild || return 1
  wait_for_founders
  count=$(voters | wc -l)
  others=$(healthy_voters_but "$me" | wc -l)
  case $count in
    1) return ;;
    2) allowed two-node-restart || refuse "neither of two members may $may without stopping writes; add a third, or allow it with etcd:allow: [two-node-restart]" ;;
    *) [ "$others" -ge "$(quorum_of "$count")" ] ||
      say_problem "$name may not $may: of the other $((count - 1)) voters $others healthy, $(quorum_of "$count") needed; not healthy: $(unhealthy_voters_but "$me"). Check there ('etcd-host status'; is the host on?) and repair it first; if this very change repairs it, put it first in etcd:rolloutOrder" || return 1 ;;
  esac
  agree
}
# The cluster answers, and does not know this member any more: its log is of no use to anybody.
refuse_removed() {
  refuse "$name is not in the member list, although the cluster answers: it was removed. Raise its incarnation, so that it joins again and its old data is set aside, then run again"
}
# May this member be taken out? The rest must be a quorum of what is left.
can_remove() { # ID
  no_alarm || return 1
  if is_learner "$1"; then return; fi # it has no vote
  others=$(learners | cut -d'|' -f3 | paste -s -d' ' -)
  [ -z "$others" ] || ! is_healthy "$(client_url_of "$1")" || refuse "the member at $others is still a learner, so $(name_of "$1") may not be removed now; let its host finish the join, or drop it from etcd:nodes, then run again"
  left=$(($(voters | wc -l) - 1))
  rest=$(healthy_voters_but "$1" | wc -l)
  [ "$left" -gt 0 ] || refuse "$(name_of "$1") is the last member; 'pulumi destroy' takes a cluster down"
  [ "$rest" -ge "$(quorum_of "$left")" ] ||
    say_problem "$(name_of "$1") may not be removed: of the $left voters left $rest are healthy, $(quorum_of "$left") needed; not healthy: $(unhealthy_voters_but "$1"). Bring it back first; if it is gone for good, only a restore helps (etcd:restore; docs/restore.md)" || return 1
  agree
}
# May this learner become a voter? The cluster it then counts in must have a quorum.
can_promote() { # ID
  no_alarm || return 1
  next=$(($(voters | wc -l) + 1))
  with=$(($(healthy_voters_but "$1" | wc -l) + 1))
  [ "$with" -ge "$(quorum_of "$next")" ] ||
    say_problem "$name may not become a voter: with it $with of $next voters would be healthy, $(quorum_of "$next") needed; not healthy: $(unhealthy_voters_but "$1"). Repair it first, then run again: $name resumes there" || return 1
  agree
}
can_join() {
  no_alarm || return 1
  [ "$alarms" != NOSPACE ] ||
    refuse "the alarm NOSPACE is raised: nothing can be written, so no member can join that has to be recorded. 'npm run reclaim' explains it, clears its cause and disarms it; then run again"
  prove_room_for_learner
  agree
}
agree() {
  every_voter_answers || return 1
  healthy_status >"$work/healthy-status"
  [ "$(cut -d'|' -f4 "$work/healthy-status" | sort -u | wc -l)" = 1 ] && [ "$(leader_id)" != 0 ] || say_problem "the members do not agree on a leader; run again when they do" || return 1
  [ "$(cut -d'|' -f8 "$work/healthy-status" | sort -u | wc -l)" = 1 ] || say_problem "the members belong to different clusters" || return 1
  goal=$(leader_index)
  [ -n "$goal" ] || say_problem "the leader does not say how far its log is; run again when it does" || return 1
  while IFS='|' read -r url _ _ _ _ applied _; do
    reaches "$url" "$goal" "$applied" </dev/null ||
      say_problem "the member at $url is $((goal - applied_then)) log entries behind the leader and does not catch up; see 'etcd-host status' there, and run again when it has" || return 1
  done <"$work/healthy-status"
}
# A proof holds under the leader of the moment: two followers that are cut from each other are both healthy, and without
# their leader they are no quorum. So the leader that goes first hands over, and the proof has to hold under the new one;
# if it does not, the old one leads on.
hand_over() { # ID PROOF ARGUMENT...: everything is proven as the last thing
  leaving=$1
  shift
  until_proven "$@"
  if [ "$(leader_id)" != "$leaving" ] || [ "$(voters | wc -l)" = 1 ]; then return; fi
  heir=$(newest_voter_but "$leaving")
  [ -n "$heir" ] || refuse "$(name_of "$leaving") leads, and there is nobody to whom leadership could move first; repair the other members, then run again"
  move_leadership "$leaving" "$heir" ||
    refuse "$(name_of "$leaving") leads, and leadership cannot be moved to $(name_of "$heir") first: $(plain_answer <"$work/move.log"); nothing was changed, run again"
  # twice: the first time a member may have answered under the old leader
  if settles "$HANDOVER_SECONDS" is_led_by "$heir" "$@" && settles "$HANDOVER_SECONDS" is_led_by "$heir" "$@"; then return; fi
  missing=$(unhealthy_voters_but "$leaving")
  missing=${missing:+not healthy: $missing}
  missing=${missing:-$problem}
  led_by=$(name_of "$heir")
  if [ "$(leader_id)" = "$leaving" ] || move_leadership "$heir" "$leaving"; then led_by=$(name_of "$leaving"); fi
  refuse "$(name_of "$leaving") led, and the others are no quorum without it: once $(name_of "$heir") led, $missing. $led_by leads now, and nothing was changed: make sure that the other members reach each other on their peer ports (2380), then run again"
}
is_led_by() { # ID PROOF ARGUMENT...
  [ "$(leader_id)" = "$1" ] || say_problem "$(name_of "$1") does not lead" || return 1
  shift
  "$@"
}
move_leadership() { # FROM-ID TO-ID: only the leader itself can be asked
  ctl --endpoints="$(client_url_of "$1")" move-leader "$(hex_id "$2")" >/dev/null 2>"$work/move.log"
}
