# Does a restarted member still answer what is asked of it? A flag may leave etcd healthy and lock its operator out, or
# refuse what the cluster's lock is made of. Like a flag that etcd does not start with, it goes back on the first member.

CLEAR_SECONDS=60 # to say yes or no after READY: whoever is slow refuses nothing
REFUSALS=5       # in a row, a second apart

# yes or no; nothing where it cannot be told. Sets why_not to the refusal.
ask_here() {
  answer='' why_not=''
  printf 'GET /version HTTP/1.0\r\n\r\n' 2>/dev/null | timeout 5 openssl s_client -quiet -connect "127.0.0.1:$CLIENT_PORT" -CAfile "$ETC_DIR/pki/client-ca.crt" \
    -cert "$ETC_DIR/pki/operator.crt" -key "$ETC_DIR/pki/operator.key" >"$work/answer" 2>"$work/answer.log" || [ $? != 124 ] || return 0
  grep -q '^depth=' "$work/answer.log" || return 0 # no certificate of a server was seen
  if ! head -n 1 "$work/answer" | grep -q '^HTTP/1.[01] 200'; then
    answer=no
    why_not="/version: $({ head -n 1 "$work/answer"; sed -n 's/.*:SSL routines:[^:]*:\([^:]*\).*/\1/p' "$work/answer.log"; echo 'the connection is closed'; } | tr -d '\r' | sed '/^$/d' | head -n 1)"
    return
  fi
  # as many keys as the proof of the largest cluster records in one transaction: two of each member
  if { echo; for key in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do echo "get etcd-host/$key"; done; echo; echo; } | ctl --endpoints="https://127.0.0.1:$CLIENT_PORT" txn >"$work/answer" 2>&1; then
    answer=yes
  elif grep -q -e 'too many operations' -e 'request is too large' -e 'permission denied' -e 'Unauthenticated' -e 'Unimplemented' "$work/answer"; then
    answer=no why_not="a transaction: $(grep '^Error' "$work/answer" | head -n 1 | cut -c1-200)"
  fi
}

# Of a member that answered before its restart, whose binary is the same, and while all others are healthy.
keeps_refusing() {
  # a member that moves may listen elsewhere
  [ "$answered_before" = yes ] && [ -n "$me" ] && ! is_learner "$me" && same_binary "$work/old-unit" "$UNIT_FILE" || return 1
  refusals=0
  clear_until=$(($(date +%s) + CLEAR_SECONDS))
  while [ "$refusals" -lt "$REFUSALS" ]; do
    ask_here
    case $answer in
      yes) return 1 ;;
      no) refusals=$((refusals + 1)) ;;
      *) refusals=0 ;;
    esac
    [ "$(date +%s)" -lt "$clear_until" ] || return 1
    sleep 1
  done
  query_cluster && [ -z "$(unhealthy_voters_but "$me")" ]
}
same_binary() { [ "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$1")" = "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$2")" ]; }

# Files that flags name are not this program's: a list of revoked certificates that etcd cannot read locks everybody out.
need_flag_files() { # UNIT
  for flag in client-crl-file peer-crl-file; do
    file=$(flag_value "$flag" "$1")
    [ -n "$file" ] || continue
    if [ "$file" = "$ETC_DIR/pki/$CRL" ]; then need_own_crl; continue; fi
    need_flag_file "$flag" "$file"
    is_crl "$file" ||
      refuse "$file ($flag) is not a list of revoked certificates as etcd takes it, in DER and of version 2; make it with a CRL number and convert it with 'openssl crl -outform DER', then run again"
  done
  for file in $(flag_value auth-token "$1" | tr ',' '\n' | sed -n 's/^p[a-z]*-key=//p'); do need_flag_file auth-token "$file"; done
}
need_own_crl() {
  is_crl "$ETC_DIR/pki/$CRL" || refuse "the list of revoked certificates is not on this host, or cannot be read, and with it etcd would refuse every client: raise checkId and run 'pulumi up', so that the certificates come first"
}
flag_value() { sed -n "s/^  --$1=\([^ ]*\).*/\1/p" "$2"; } # FLAG UNIT
need_flag_file() { [ -f "$2" ] || refuse "$2 ($1) is not on this host; put it there, then run again"; } # FLAG FILE
