# before: the cluster step ahead of the members. It checks the cluster as it is, prepares a change of the minor, and
# takes out dead members that are not declared: etcd adds none beside them.

BEFORE_SECONDS=5 # and two elections: what settles by itself is waited for

cmd_before() { # stdin: the members
  begin_cluster_step
  if is_to_be_restored; then judge_restore; return; fi
  if is_bootstrapping; then say "the cluster is being bootstrapped: nothing to check"; return; fi
  if ! query_cluster; then
    refuse_without_etcdctl
    refuse_lost_quorum
    note "no quorum answers; each host starts what is stopped"
    return
  fi
  refuse_unfit_members
  refuse_removed_members
  refuse_foreign_members
  refuse_corruption
  prepare_minor_step
  remove_members dead_undeclared
  say "checked the cluster at $(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
# Could not ask: that is not "no quorum answers". A host that has not served may have nothing to ask with yet.
refuse_without_etcdctl() {
  has_served || return 0
  choose_etcdctl
  [ -n "$etcdctl" ] || refuse "$NO_ETCDCTL"
}
begin_cluster_step() {
  need version "$version"
  need_root
  read_members
  mkdir -p "$RUN_DIR"
  work=$(mktemp -d "$RUN_DIR/.cluster-XXXXXX")
  trap 'drop_cluster_lock; rm -rf "$work"' EXIT
}
# What a create says, which Pulumi also runs when it replaces the step of a cluster that serves: believed while nobody has
# proven the cluster. Where no member has served, there is nothing to ask; one that has served, and is not answered, is in doubt.
is_bootstrapping() {
  [ -n "$founding" ] || return 1
  has_served || return 0
  recorded=$(ctl --endpoints="$(declared_endpoints)" get --prefix "$INCARNATIONS" 2>/dev/null) && [ -z "$recorded" ]
}

# A member that hangs would be found only at its turn, or, first in order, not at all: so nothing begins.
refuse_unfit_members() {
  patience=$(($(date +%s) + $(with_elections "$BEFORE_SECONDS")))
  while :; do
    read_incarnations || :
    unfit=$(unfit_members)
    if [ -z "$unfit" ] && [ -n "$incarnations_known" ]; then return; fi
    [ "$(date +%s)" -lt "$patience" ] || break
    sleep 0.5
    query_cluster || break
  done
  [ -z "$unfit" ] ||
    refuse "$unfit. Nothing was changed: repair it first; if this very change repairs it, put it first in etcd:rolloutOrder; if its machine is gone: pulumi up --refresh if Pulumi created it (EC2), else raise its incarnation (a new machine) or declare it lost"
  refuse "$problem"
}
# Who has been a member, as this program keeps it in the cluster: "KEY INCARNATION" each. Nothing where nobody was proven.
incarnations='' incarnations_known=''
read_incarnations() {
  ctl --endpoints="$(healthy_urls_but none)" get --prefix "$INCARNATIONS" >"$work/incarnations" 2>"$work/incarnations.log" ||
    say_problem "the cluster does not say which members this stack has had ($(plain_answer <"$work/incarnations.log" | cut -c1-200)); see 'etcd-host health', then run again" || return 1
  incarnations=$(paste -d' ' - - <"$work/incarnations")
  incarnations_known=yes
}
unfit_members() { # one clause each, joined; a member that is stopped may be started by its own step, and is left out
  for member in $members; do
    member_name=${member%%=*} url=$(client_url "$member")
    if ! is_established "$member" || is_excused "$member_name" || is_healthy "$url"; then continue; fi
    case $(reach_of "$member") in
      refused) ;;
      answers) echo "$member_name ($url) runs, but is not healthy: $(health_of "$url")" ;;
      deaf) allowed expired-ca || echo "$member_name ($url) $DEAF" ;;
      *) echo "$member_name ($url) does not answer $(hostname): frozen, cut off or off" ;;
    esac
  done | paste -s -d';' - | sed 's/;/; /g'
}
health_of() { grep -m 1 -F "$1 is " "$work/health" | sed 's/^.* is unhealthy: //' | cut -c1-200; }
is_excused() { case ",$first," in *",$1,"*) return 0 ;; *) return 1 ;; esac; } # named in rolloutOrder
# In the list, with a vote, and of the declared incarnation; one that joins or is replaced in this run is checked by its own step.
is_established() { # MEMBER
  id=$(awk -F'|' -v name="${1%%=*}" '$2 == name && $4 != "" && $5 != "true" { print $1 }' "$work/members")
  [ -n "$id" ] || return 1
  known=$(recorded_as "${1%%=*}")
  [ "${known:-1}" -ge "${1##*=}" ]
}
# Recorded and not listed: this program takes the record away with the member, a person does not. Its data is of no use.
refuse_removed_members() {
  removed=$(for member in $members; do
    known=$(recorded_as "${member%%=*}")
    if [ -z "$known" ] || [ "$known" -lt "${member##*=}" ] || is_listed "$member"; then continue; fi
    echo "${member%%=*} (incarnation $known)"
  done | paste -s -d' ' -)
  [ -z "$removed" ] ||
    refuse "$removed is declared, and was removed from the cluster by hand. Nothing was changed: raise its incarnation, so that it joins again and its old data is set aside, or take it out of etcd:nodes"
}
# A corrupt member is replaced; nothing else is done before.
refuse_corruption() {
  until_proven ask_for_alarms
  [ "$alarms" = CORRUPT ] || return 0
  replaces=$(for member in $members; do
    known=$(recorded_as "${member%%=*}")
    [ "${member##*=}" -le "${known:-1}" ] || awk -F'|' -v name="${member%%=*}" '$2 == name { print $1 }' "$work/members"
  done)
  is_replaced_corruption || refuse "$(corruption)"
  replaces=''
  note "the alarm CORRUPT concerns $(for id in $corrupt; do name_of "$id"; done | paste -s -d' ' -), which is replaced in this run"
}
recorded_as() { printf '%s\n' "$incarnations" | awk -v key="$INCARNATIONS$1" '$1 == key { print $2 }'; } # NAME
is_listed() { # MEMBER
  awk -F'|' -v name="${1%%=*}" -v url="$(peer_url_of "$1")" \
    '$2 == name || index("," $3 ",", "," url ",") { found = 1 } END { exit !found }' "$work/members"
}
# refused: nothing listens there, so the process is stopped. answers: it is alive. deaf: it is, and no connection comes to
# be, since a certificate is not accepted. Anything else: silent.
reach_of() { # MEMBER
  url=$(client_url "$1")
  if [ -s "$work/status" ] && cut -d'|' -f1 "$work/status" | grep -qxF "$url"; then echo answers; return; fi
  shake_hands client "${url#https://}" &
  peer=$(peer_url_of "$1")
  shake_hands peer "${peer#https://}" # where a member without a quorum speaks, too
  wait
  if grep -q 'onnection refused' "$work/shaken-client"; then
    echo refused
  elif shows_refusal "$work/shaken-client" || shows_refusal "$work/shaken-peer"; then
    echo deaf
  else
    echo silent
  fi
}
shake_hands() { # client|peer HOST:PORT
  case $1 in client) login=operator ;; *) login=peer ;; esac
  printf 'GET /version HTTP/1.0\r\n\r\n' 2>/dev/null | timeout 3 openssl s_client -connect "$2" -ign_eof -CAfile "$ETC_DIR/pki/$1-ca.crt" \
    -cert "$ETC_DIR/pki/$login.crt" -key "$ETC_DIR/pki/$login.key" >"$work/shaken-$1" 2>&1 || :
}
# One side refuses what the other shows. Of a CA that has ended etcd says that it does not know it; an older one says less.
shows_refusal() { # FILE
  grep -q -e 'certificate has expired' -e 'alert certificate expired' -e 'alert unknown ca' -e 'alert bad certificate' "$1"
}
DEAF="runs, and no new connection to it comes to be: a certificate or a CA, there or here, has ended, or is of another cluster; 'etcd-host status' on it says what has ended"

# Without a quorum nothing can be changed; members that are only stopped come back by their own steps, and those that
# wait for one answer on their peer URL: so does everybody while a bootstrap is not finished.
refuse_lost_quorum() {
  all=$(declared_endpoints)
  patience=$(($(date +%s) + $(with_elections "$BEFORE_SECONDS")))
  until reach_members; do
    [ "$(date +%s)" -lt "$patience" ] || {
      [ -z "$deaf" ] || allowed expired-ca || refuse_deaf
      refuse "no quorum answers $(hostname): of $count declared members these answer:$(list_or_none "$alive");$silent cannot be reached. They are off, or this host is cut off. Nothing was changed: bring back $(quorum_of "$count") in all, with their data; if that is impossible, restore a snapshot: etcd:restore, with docs/restore.md$(newest_of_one_left)"
    }
    sleep 0.5
  done
  [ -z "$deaf" ] || note "no new connection to$deaf comes to be, so nothing can be asked there: a CA has ended, which this run replaces"
}
refuse_deaf() {
  refuse "no quorum answers $(hostname), and no new connection to$deaf comes to be: a certificate or a CA, there or here, has ended, or is of another cluster$(why_silent). Nothing was changed: 'etcd-host status' on each host says what has; 'pulumi up' renews leaf certificates, and a CA with etcd:allow: [expired-ca]"
}
reach_members() { # false: one is silent
  ask_members
  ask_peers "$(for member in $members; do peer_url_of "$member"; done)"
  count=0 alive='' silent='' deaf=''
  for member in $members; do
    count=$((count + 1))
    case $(reach_of "$member") in
      answers) alive="$alive ${member%%=*}" ;;
      refused) ;;
      deaf) deaf="$deaf ${member%%=*}" ;;
      *) if peer_answers "$(peer_url_of "$member")"; then alive="$alive ${member%%=*}"; else silent="$silent ${member%%=*}"; fi ;;
    esac
  done
  [ -z "$silent" ] && { [ -z "$deaf" ] || allowed expired-ca; }
}
# One that is left may have more than any snapshot.
newest_of_one_left() {
  [ -z "$alive" ] || echo ". The newest data may be that of$alive: 'etcd-host snapshot --from-data' there saves it"
}
list_or_none() { echo "${1:- none}"; }

prepare_minor_step() {
  until_proven every_voter_answers
  agreed=$(cluster_version)
  wanted=$(minor_of "$version")
  if [ -z "$agreed" ]; then return; fi
  if [ "$agreed" = "$(next_minor "$wanted")" ] || [ "$(downgrade_target)" = "$wanted" ]; then
    until_proven no_alarm
    enable_downgrade "$wanted"
  elif [ "$agreed" != "$wanted" ]; then
    prove_version_step
    save_snapshot "$agreed"
  fi
}
