# The bootstrap of a cluster: its founders start together, and one that failed goes on once its cause is repaired.

PEERS_SECONDS=30    # until each peer has said what it knows: one that listens may have its disk to wait for
FOUNDING_DAYS=7     # after its first CA a cluster has been bootstrapped, or is to be made anew
FOUNDERS_SECONDS=60 # for a founder whose own step is at work

# A founder may begin where no cluster is, or where the one that is there still waits for it: it has never served then.
is_to_bootstrap() {
  [ "$initial_state" = new ] || return 1
  ask_founders
  if ! knows_cluster; then
    need_bootstrap
    return 0
  fi
  deadline=$(($(date +%s) + PEERS_SECONDS))
  until list_members >"$work/members"; do
    [ "$(date +%s)" -lt "$deadline" ] || {
      [ "$may_bootstrap" = yes ] || refuse_lost_data
      refuse "a cluster exists already, but no quorum of it answers $name; see 'etcd-host status' on the others, start what is stopped, then run again"
    }
    sleep 0.5
  done
  is_awaited
}
# The static list of a bootstrap is the only one that has names of members that never started.
is_awaited() {
  awk -F'|' -v name="$name" -v url="$peer_url" '$2 == name && $3 == url && $4 == "" && $5 != "true" { found = 1 } END { exit !found }' "$work/members"
}
awaited_founders() { awk -F'|' '$2 != "" && $4 == "" && $5 != "true" { print $2 }' "$work/members" | paste -s -d' ' -; }

# What each peer knows of the members, without a quorum: etcd asks the same before a first start, for a second only.
# Could not be asked is not "knows of none": whoever neither answers nor refuses is asked again.
ask_founders() {
  founders=$(printf '%s\n' "$initial_cluster" | tr ',' '\n' | sed 's/^[^=]*=//' | grep -vxF "$peer_url" || :)
  deadline=$(($(date +%s) + PEERS_SECONDS))
  ask_peers "$founders"
  until [ -z "$(silent_peers "$founders")" ]; do
    [ "$(date +%s)" -lt "$deadline" ] || {
      [ "$may_bootstrap" = yes ] || refuse_lost_data
      refuse "$(silent_peers "$founders" | paste -s -d' ' -) neither answers $name nor refuses the connection, so it is unknown whether a cluster exists already; check that the peer port is open between the hosts and that the address is right, then run again"
    }
    sleep 0.2
    ask_peers "$(silent_peers "$founders")"
  done
}
ask_peers() { # PEER-URLS, one a line: all at once
  asking=''
  for url in $1; do
    ask_peer "${url#https://}" "$(peer_file "$url")" &
    asking="$asking $!"
  done
  for pid in $asking; do wait "$pid" || :; done
}
ask_peer() { # HOST:PORT FILE; who refuses is gone before the question is written
  printf 'GET /members HTTP/1.0\r\n\r\n' 2>/dev/null | timeout 3 openssl s_client -connect "$1" -ign_eof -CAfile "$ETC_DIR/pki/peer-ca.crt" \
    -cert "$ETC_DIR/pki/peer.crt" -key "$ETC_DIR/pki/peer.key" >"$2" 2>&1 || :
}
peer_file() { printf '%s/peer-%s' "$work" "$(printf '%s' "$1" | tr '/:' '__')"; }
peer_answers() { grep -q '^\[{"id":' "$(peer_file "$1")"; }
peer_refuses() { grep -q 'onnection refused' "$(peer_file "$1")"; }
silent_peers() { for url in $1; do peer_answers "$url" || peer_refuses "$url" || echo "$url"; done; }
# A member that has served is listed with its client URL.
knows_cluster() {
  for url in $founders; do
    if grep '^\[{"id":' "$(peer_file "$url")" | grep -q '"clientURLs":\["'; then return 0; fi
  done
  return 1
}

# No peer knows of a cluster. Those that have started must be waiting for this founder; and a later step, which may find
# that its data is gone, founds only where everybody has been asked.
need_bootstrap() {
  [ -z "$founders" ] || ! has_served || refuse_lost_data # the others may know of it, once they run
  [ -n "$founders" ] || [ "$may_bootstrap" = yes ] || refuse_lost_data
  waiting=''
  for url in $founders; do
    if peer_answers "$url"; then
      waiting=yes
      grep '^\[{"id":' "$(peer_file "$url")" | sed 's/},{/}\n{/g' | grep -F "\"name\":\"$name\"" | grep -qF "\"peerURLs\":[\"$peer_url\"]" ||
        refuse "the member at $url has started with another list of members, which its data keeps, so $name cannot bootstrap with it; change the addresses back, or bootstrap a new cluster: 'pulumi destroy' (it keeps the data aside), then 'pulumi up'"
    else
      [ "$may_bootstrap" = yes ] || refuse_lost_data
    fi
  done
  [ -n "$waiting" ] || need_new_cluster
}
# Nobody can be asked. A blank host, whose step was replaced or lost in the state, is told from a first start by the age of
# the cluster: that of its first CA, which the first run creates, and which the first step of a host is told.
need_new_cluster() {
  born=$(mark_value not_before)
  [ -n "$born" ] || born=$(start_date "$ETC_DIR/pki/peer-ca.crt") # prepared by a version that did not keep it
  [ $(($(date -u +%s) - $(seconds_of "$born"))) -lt $((FOUNDING_DAYS * 86400)) ] ||
    refuse "no other member runs, and the cluster's first CA is of $born: it may have served since, and then an empty $name could lose acknowledged writes. Start a member that has its data, then run again; if the cluster has never served, make it anew: 'pulumi destroy', then 'pulumi up'"
}

# A founder that has never served goes on with the log that it began, whatever its incarnation is by now.
is_waiting_founder() {
  [ "$initial_state" = new ] && has_wal "$data_dir" && ! has_served && ! is_ready &&
    grep -qx ETCD_INITIAL_CLUSTER_STATE=new "$ETC_DIR/bootstrap.env" 2>/dev/null
}

# A cluster may serve while one of its founders has yet to start: before that one's vote is missed, its own step gets time.
wait_for_founders() {
  until_s=$(($(date +%s) + FOUNDERS_SECONDS))
  while [ -n "$(awaited_founders)" ] &&
    [ "$(healthy_voters_but "$(my_id)" | wc -l)" -lt "$(quorum_of "$(voters | wc -l)")" ]; do
    [ "$(date +%s)" -lt "$until_s" ] ||
      refuse "$name may not restart before $(awaited_founders) has started, which bootstraps the cluster with the others: it is not up within $FOUNDERS_SECONDS s. Its own step, or 'journalctl -u etcd' there, says why; repair that, then run 'pulumi up' with a new checkId"
    sleep 0.5
    query_cluster || return 0 # the proof will say
  done
}
