# access: whether etcd's authentication is on, who its users are and what each may do, as the stack declares it. Each change
# of users can fail requests under way, so only what differs is changed. A state is lines, and each line that is missing or
# too much is one call of etcdctl: a run that is cut off anywhere leaves less for the next one.
#   mark NAME · user NAME · role NAME · grant ROLE MAY KEY [END] · holds USER ROLE · auth on|off

USERS=etcd-host/users/ # whom this program made; all others are somebody else's

reconcile_access() {
  [ -n "$access" ] || return 0 # not managed
  wanted_access >"$work/wanted"
  if [ "$(wanted_auth)" = on ]; then need_root_leaf; fi
  until_proven read_access
  refuse_foreign_access
  [ -n "$(missing_access; surplus_access)" ] || return 0
  until_proven no_alarm
  take_cluster_lock "$(healthy_declared_urls)"
  need_cluster_lock
  until_proven read_access # another run may have had the lock
  refuse_foreign_access
  forget_passwords
  add_access # first: nobody loses for a moment what is given with other words
  until_proven read_access
  take_access
  switch_authentication
}
wanted_auth() { sed -n 's/^auth //p' "$work/wanted"; }

# The certificate of the user root is what all of this program's questions are asked with as soon as authentication is on.
need_root_leaf() {
  is_leaf_of_root "$ETC_DIR/pki/operator.crt" ||
    refuse "this host's operator certificate is not that of etcd's user root, so authentication would lock this program out; raise etcd:checkId and run 'pulumi up', which gives every host the certificate that it needs"
}
is_leaf_of_root() { openssl x509 -in "$1" -noout -subject -nameopt multiline 2>/dev/null | grep -q '^ *commonName *= root$'; } # CERTIFICATE

wanted_access() { # of what came on stdin: "auth on|off", "user NAME", "grant NAME MAY prefix|key KEY"
  printf '%s' "$access" | awk '
    function end(prefix, n, last) {
      last = substr(prefix, length(prefix))
      for (n = 33; n < 126 && sprintf("%c", n) != last; n++);
      return substr(prefix, 1, length(prefix) - 1) sprintf("%c", n + 1)
    }
    $1 == "auth" { print "auth " $2; if ($2 == "on") print "user root\nrole root\nholds root root" }
    $1 == "user" { print "mark " $2 "\nuser " $2 "\nrole " $2 "\nholds " $2 " " $2 }
    $1 == "grant" { print "grant " $2 " " $3 " " $5 ($4 == "prefix" ? " " end($5) : "") }'
}

# Fills $work/access with what is, of those only who are declared; the marks first.
read_access() { # [ENDPOINTS]
  access_urls=${1:-$(healthy_urls_but none)}
  ask_access marks get --prefix "$USERS" --keys-only && ask_access auth auth status &&
    ask_access users user list && ask_access roles role list || return 1
  is=$(sed -n 's/^Authentication Status: //p' "$work/access-auth")
  case $is in true) is=on ;; false) is=off ;; *) say_problem "etcd does not say whether its authentication is on; run again" || return 1 ;; esac
  {
    sed -n "s#^$USERS#mark #p" "$work/access-marks"
    sed 's/^/user /' "$work/access-users"
    sed 's/^/role /' "$work/access-roles"
    echo "auth $is"
  } >"$work/access"
  sed -n 's/^user //p' "$work/wanted" >"$work/access-declared"
  while read -r user; do
    if has_line "$(cat "$work/access-users")" "$user"; then
      ask_access user user get "$user" || return 1
      sed -n 's/^Roles: *//p' "$work/access-user" | tr ' ' '\n' | sed "/^\$/d; s/^/holds $user /" >>"$work/access"
    fi
    if [ "$user" != root ] && has_line "$(cat "$work/access-roles")" "$user"; then
      ask_access role role get "$user" -w fields || return 1
      grants_of "$user" <"$work/access-role" >>"$work/access"
    fi
  done <"$work/access-declared"
}
ask_access() { # WHAT ETCDCTL-ARGUMENT...
  asked_access=$work/access-$1
  shift
  ctl --endpoints="$access_urls" "$@" >"$asked_access" 2>"$work/access.log" </dev/null ||
    say_problem "etcd does not say who its users are and what they may do: $(plain_answer <"$work/access.log" | cut -c1-400)"
}
# <`role get -w fields`. A key is quoted there as Go does it; one that no stack can declare becomes a line "odd ROLE KEY".
grants_of() { # ROLE
  awk -v role="$1" '
    function raw(quoted, i, c, out) {
      for (i = 2; i < length(quoted); i++) {
        c = substr(quoted, i, 1)
        if (c == "\\") {
          c = substr(quoted, ++i, 1)
          if (substr(quoted, i, 3) == "x7f") { c = "\177"; i += 2 } else if (c != "\\" && c != "\"") return ""
        }
        if (c == " ") return ""
        out = out c
      }
      return out
    }
    { value = $0; sub(/^[^:]*: */, "", value) }
    $1 == "\"PermType\"" { may = tolower(value) }
    $1 == "\"Key\"" { key = value }
    $1 == "\"RangeEnd\"" {
      if (raw(key) == "" || (value != "\"\"" && raw(value) == "")) print "odd " role " " key
      else print "grant " role " " may " " raw(key) (value == "\"\"" ? "" : " " raw(value))
    }'
}

missing_access() { grep -vxF -f "$work/access" "$work/wanted" | grep -v '^auth off$' || :; }
# Of those only who are declared, or were made by an earlier run; a role that belongs to neither is left alone.
surplus_access() {
  if [ "$(wanted_auth)" = off ]; then # users stay, without use
    grep -x 'auth on' "$work/access" || :
    return
  fi
  awk '
    NR == FNR { wanted[$0]; if ($1 == "user") declared[$2]; next }
    $0 in wanted { next }
    $1 == "mark" { ours[$2]; print }
    $1 == "holds" && $2 in declared && $2 != "root"
    $1 == "grant" || $1 == "odd"
    $1 == "user" { print ($2 in ours ? "" : "foreign ") $0 }
    $1 == "role" && $2 in ours' "$work/wanted" "$work/access"
}

refuse_foreign_access() {
  surplus_access >"$work/surplus"
  foreign=$(sed -n 's/^foreign user //p' "$work/surplus" | paste -s -d' ' -)
  [ -z "$foreign" ] ||
    refuse "etcd has users that this stack does not declare: $foreign. Declare them in etcd:clients, or delete them: etcd-host ctl user delete ${foreign%% *}"
  odd=$(sed -n 's/^odd //p' "$work/surplus" | head -n 1)
  [ -z "$odd" ] ||
    refuse "the role ${odd%% *} has a permission that no stack can declare, from the key ${odd#* }; take it away by hand: 'etcd-host ctl role get ${odd%% *}' shows it, 'etcd-host ctl role revoke-permission' takes it"
}

# While authentication is off whoever has a certificate may give any user a password, and no question tells.
forget_passwords() {
  made_before='already exists'
  [ "$(wanted_auth)" = on ] && has_line "$(cat "$work/access")" 'auth off' || return 0
  sed -n 's/^user //p' "$work/access" >"$work/steps"
  while read -r user; do
    change_access 'not found' user delete "$user"
    note "made again, as it may have been given a password: the user $user"
  done <"$work/steps"
  made_before='' # whoever is there again now was made by somebody else
  until_proven read_access
}

add_access() {
  missing_access >"$work/missing"
  for kind in mark user role grant holds; do
    grep "^$kind " "$work/missing" >"$work/steps" || continue
    while read -r _ who what key end; do
      case $kind in
        mark) change_access '' put "$USERS$who" "$who" ;;
        user) change_access "$made_before" user add "$who" --no-password ;;
        role) change_access 'already exists' role add "$who" ;;
        grant) change_access '' role grant-permission -- "$who" "$what" "$key" ${end:+"$end"} ;;
        holds) change_access '' user grant-role "$who" "$what" ;;
      esac
      note "added: $(access_words "$kind" "$who" "$what" "$key" "$end")"
    done <"$work/steps"
  done
}
# What a user was given by other words is gone from the surplus by now: a permission for a range takes the place of another.
take_access() {
  surplus_access >"$work/surplus"
  for kind in holds grant user role mark; do
    grep "^$kind " "$work/surplus" >"$work/steps" || continue
    while read -r _ who what key end; do
      case $kind in
        holds) change_access 'not granted' user revoke-role "$who" "$what" ;;
        grant) change_access 'not granted' role revoke-permission -- "$who" "$key" ${end:+"$end"} ;;
        user) change_access 'not found' user delete "$who" ;;
        role) change_access 'not found' role delete "$who" ;;
        mark) change_access '' del "$USERS$who" ;; # last: without it the user would be somebody else's
      esac
      note "taken away: $(access_words "$kind" "$who" "$what" "$key" "$end")"
    done <"$work/steps"
  done
}
change_access() { change_cluster "$access_urls" "$@" </dev/null; } # DONE-BEFORE ETCDCTL-ARGUMENT...
access_words() { # KIND WHO [WHAT [KEY [END]]]
  case $1 in
    mark) printf '%s' "the record of the user $2" ;;
    grant) printf '%s' "the permission of $2 to $3 $4${5:+ (up to $5)}" ;;
    holds) printf '%s' "the role $3 of the user $2" ;;
    *) printf '%s' "the $1 $2" ;;
  esac
}

# The last thing, and only once etcd itself has said that root is a user with the role root.
switch_authentication() {
  until_proven read_access
  if has_line "$(cat "$work/access")" "auth $(wanted_auth)"; then return; fi
  if [ "$(wanted_auth)" = off ]; then
    change_access '' auth disable
    note "authentication is off: every certificate of the client CA may do everything"
    return
  fi
  [ "$(missing_access)" = 'auth on' ] || fail "users and roles are not as they were just made, so authentication stays off; run again (missing: $(missing_access | grep -v '^auth ' | head -n 1))"
  change_access '' auth enable
  note "authentication is on"
}

verify_access() { # what came with --declared
  [ -n "$access" ] || return 0
  wanted_access >"$work/wanted"
  read_access https://127.0.0.1:2379 || { report_difference "$problem"; return; }
  missing_access >"$work/missing"
  surplus_access >"$work/surplus"
  while read -r kind who what key end; do
    case $kind in
      auth) report_difference "etcd's authentication is off, declared is on" ;;
      *) report_difference "etcd lacks $(access_words "$kind" "$who" "$what" "$key" "$end"), which is declared" ;;
    esac
  done <"$work/missing"
  while read -r kind who what key end; do
    case $kind in
      auth) report_difference "etcd's authentication is on, declared is off" ;;
      foreign) report_difference "etcd has the user $what, which is not declared" ;;
      odd) report_difference "the role $who has a permission from the key $what, which is not declared" ;;
      *) report_difference "etcd has $(access_words "$kind" "$who" "$what" "$key" "$end"), which is not declared" ;;
    esac
  done <"$work/surplus"
}
