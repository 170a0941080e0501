# What etcd is asked, always with this host's own operator certificate. Answers become lines of fields split by "|".

ctl() { (become_ctl "$@"); }
become_ctl() { # in the background its process is etcdctl's own
  [ -n "$etcdctl" ] || choose_etcdctl
  [ -n "$etcdctl" ] || { note "$NO_ETCDCTL"; exit 1; }
  exec "$etcdctl" --cacert="$ETC_DIR/pki/client-ca.crt" --cert="$ETC_DIR/pki/operator.crt" --key="$ETC_DIR/pki/operator.key" \
    --dial-timeout=2s --command-timeout="$(ask_seconds)s" "$@"
}
# Three elections, and never less than 3 s: within that a lost leader is replaced.
ask_seconds() { s=$((election_timeout * 3 / 1000)); [ "$s" -ge 3 ] || s=3; echo "$s"; }

member_rows() { # <`member list -w fields`: id|name|peer URLs|client URLs|learner
  awk '
    function row() { if (id != "") print id "|" name "|" peers "|" clients "|" learner }
    { key = $1; gsub(/"/, "", key); value = $3; gsub(/"/, "", value) }
    key == "ID" { row(); id = value; name = peers = clients = "" }
    key == "Name" { name = value }
    key == "PeerURL" { peers = peers (peers == "" ? "" : ",") value }
    key == "ClientURL" { clients = clients (clients == "" ? "" : ",") value }
    key == "IsLearner" { learner = value }
    END { row() }'
}
status_rows() { # <`endpoint status -w fields`: endpoint|member id|version|leader id|raft index|applied index|db size|cluster id
  awk '
    { key = $1; gsub(/"/, "", key); value = $3; gsub(/"/, "", value); field[key] = value }
    key == "Endpoint" { print value "|" field["MemberID"] "|" field["Version"] "|" field["Leader"] "|" field["RaftIndex"] "|" \
      field["RaftAppliedIndex"] "|" field["DBSize"] "|" field["ClusterID"] }'
}
hex_id() { printf '%x' "$1"; }

# What a member serves besides gRPC, with its certificate: openssl is on every host, and speaks to a port of any kind.
fetch_from() { # client|peer HOST:PORT FILE REQUEST
  case $1 in client) login=operator ;; *) login=peer ;; esac
  # shellcheck disable=SC2059 # the request is a format of ours
  printf "$4" 2>/dev/null | timeout 5 openssl s_client -connect "$2" ${4:+-ign_eof} -CAfile "$ETC_DIR/pki/$1-ca.crt" \
    -cert "$ETC_DIR/pki/$login.crt" -key "$ETC_DIR/pki/$login.key" >"$3" 2>/dev/null || :
  date +%s >"$3.at"
}

# The declared members come on stdin, a line "member NAME PEER-URL CLIENT-URL INCARNATION" each, for the proof "told NAME
# DIGEST" up to a line "deployed", for a restore what restore.sh staged, and where etcd's authentication is managed what
# access.sh reads.
read_members() {
  while read -r word declared_name peer client declared_incarnation; do
    case $word in
      member) members="${members:+$members }$declared_name=$peer=$client=$declared_incarnation" ;;
      told) told="${told:+$told }$declared_name=$peer" ;;
      staged) add_staged "$declared_name $peer $client $declared_incarnation" ;;
      auth | user | grant) add_wanted_access "$word $declared_name $peer $client $declared_incarnation" ;;
      deployed) return 0 ;;
    esac
  done
}
add_staged() { # LINE
  staged="$staged$1
"
}
add_wanted_access() { # LINE
  access="$access$1
"
}
declared_names() { for member in $members; do echo "${member%%=*}"; done; }
declared_endpoints() { for member in $members; do client_url "$member"; done | paste -s -d, -; }
# name|peer URL|client URL of the declared and of the listed members, for comparison
declared_rows() {
  for member in $members; do echo "${member%%=*}|$(peer_url_of "$member")|$(client_url "$member")"; done | sort
}
peer_url_of() { url_pair=${1#*=}; echo "${url_pair%%=*}"; }
client_url() { url_pair=${1#*=*=}; echo "${url_pair%%=*}"; }
listed_rows() { awk -F'|' '{ print $2 "|" $3 "|" $4 }' "$1" | sort; }
