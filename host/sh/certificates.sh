# certificates: the leaf certificates and CA bundles of one host, verified first, swapped in one step, without a restart.

PKI_FILES='client-ca.crt peer-ca.crt server.crt server.key peer.crt peer.key operator.crt operator.key'
# Beside them, where clients are revoked. etcd reads it at every handshake: without it, or with a broken one, it refuses everybody.
CRL=client.crl
SETTLE_S=5 # a certificate is used once it has been valid this long on every host

cmd_certificates() { # stdin: "== FILE" and its PEM, for each of PKI_FILES; of CRL its base64
  need name "$name" incarnation "$incarnation" owner "$owner" address "$address"
  need_root
  share_lock certificates
  need_this_member
  [ ! -e "$ETC_DIR/pki" ] || [ -L "$ETC_DIR/pki" ] || refuse "$ETC_DIR/pki is not from this program; move it away, then run again"
  find "$ETC_DIR" -mindepth 1 -maxdepth 1 -name 'pki-new-*' -exec rm -rf {} +
  new=$(mktemp -d "$ETC_DIR/pki-new-XXXXXX") || fail "cannot write in $ETC_DIR"
  trap 'rm -rf "$new"' EXIT
  receive_pki "$new"
  if same_pki "$new"; then
    say "the certificates are in place"
  else
    verify_pki "$new"
    keep_root_leaf "$new"
    wait_until_settled "$new"
    swap_pki "$new"
    say "wrote the certificates; server until $server_end"
  fi
  # shellcheck disable=SC2046 # one word a file
  declare_files certificates $(for file in $(pki_files "$ETC_DIR/pki"); do echo "$ETC_DIR/pki/$file"; done)
  claim_step certificates
}

pki_files() { if [ -e "$1/$CRL" ]; then echo "$PKI_FILES $CRL"; else echo "$PKI_FILES"; fi; } # DIRECTORY
pki_mode() { case $1 in operator.key) echo "600 root:root" ;; *.key) echo "640 root:etcd" ;; *) echo "644 root:etcd" ;; esac; }

receive_pki() { # DIRECTORY: each file has its final mode before its first byte is written
  for file in $PKI_FILES; do : >"$1/$file"; done
  chown root:etcd "$1" "$1"/*
  chown root:root "$1/operator.key"
  chmod 750 "$1"
  chmod 644 "$1"/*.crt
  chmod 640 "$1/server.key" "$1/peer.key"
  chmod 600 "$1/operator.key"
  awk -v dir="$1" -v files=" $PKI_FILES $CRL " '
    /^== / { out = index(files, " " $2 " ") ? dir "/" $2 : ""; next }
    out != "" { print > out }'
  for file in $PKI_FILES; do [ -s "$1/$file" ] || fail "the step sent no $file"; done
  receive_crl "$1"
}
receive_crl() { # DIRECTORY: it goes only after the last etcd that reads it
  if [ -e "$1/$CRL" ]; then
    mv "$1/$CRL" "$1/.$CRL"
    openssl base64 -d -in "$1/.$CRL" -out "$1/$CRL" 2>/dev/null || fail "the step sent no base64 as its $CRL"
    rm "$1/.$CRL"
  elif [ -e "$ETC_DIR/pki/$CRL" ] && grep -qse "--client-crl-file=$ETC_DIR/pki/$CRL" "$RUN_DIR/started/unit" "$UNIT_FILE"; then
    cat "$ETC_DIR/pki/$CRL" >"$1/$CRL"
  else
    return 0
  fi
  chown root:etcd "$1/$CRL"
  chmod 644 "$1/$CRL"
}

same_pki() { # contents and modes
  [ "$(pki_files "$1")" = "$(pki_files "$ETC_DIR/pki")" ] || return 1
  for file in $(pki_files "$1"); do
    same_file "$1/$file" "$ETC_DIR/pki/$file" || return 1
    [ "$(stat -c '%a %U:%G' "$ETC_DIR/pki/$file")" = "$(pki_mode "$file")" ] || return 1
  done
}

verify_pki() { # DIRECTORY
  [ ! -e "$1/$CRL" ] || is_crl "$1/$CRL" || refuse "the list of revoked certificates cannot be read, and with it etcd on $name would refuse every client: the host keeps what it has"
  for leaf in server peer operator; do
    case $leaf in peer) ca='peer-ca.crt' ;; *) ca='client-ca.crt' ;; esac
    read_leaf "$1/$leaf.crt"
    [ "$leaf" != server ] || server_end=$leaf_end
    verify_clock
    { signed_by "$1/$ca" "$1/$leaf.crt" && is_unexpired; } || refuse_leaf "$leaf" "is not signed by the CA bundle, or has expired"
    [ "$leaf_key" = "$(openssl pkey -in "$1/$leaf.key" -pubout 2>/dev/null)" ] || refuse_leaf "$leaf" "does not belong to its key"
    [ "$leaf" = operator ] || covers "$address" "$1/$ca" "$1/$leaf.crt" || refuse_leaf "$leaf" "does not name $address"
    [ "$leaf" != server ] || covers 127.0.0.1 "$1/$ca" "$1/$leaf.crt" || refuse_leaf "$leaf" "does not name 127.0.0.1"
    # the running etcd knows the CAs it was started with, and those only
    if [ -s "$RUN_DIR/started/$ca" ] && is_running; then
      signed_by "$RUN_DIR/started/$ca" "$1/$leaf.crt" ||
        refuse_leaf "$leaf" "is signed by a CA that the running etcd has not loaded; a CA with another key has to be trusted by all members first: clientCa or peerCa [1, 2], then [2, 1]"
    fi
  done
}
# While authentication is on, nothing can be asked with another certificate than root's, not even to switch it off.
keep_root_leaf() { # DIRECTORY
  if ! is_leaf_of_root "$ETC_DIR/pki/operator.crt" || is_leaf_of_root "$1/operator.crt" || ! is_running; then return; fi
  ctl --endpoints=https://127.0.0.1:2379 auth status 2>/dev/null | grep -qx 'Authentication Status: false' ||
    refuse "etcd does not say that its authentication is off, and the new operator certificate for $name is not that of its user root, so this program would be locked out; set etcd:rbac to false and run 'pulumi up', then take it out. The host keeps the certificates it has"
}
is_crl() { openssl crl -inform DER -in "$1" -noout -text 2>/dev/null | grep -q 'Version 2'; } # FILE
refuse_leaf() { refuse "the $1 certificate for $name $2: the host keeps the certificates it has"; }
# One run of openssl for all that is read of a leaf: starting it is most of what it takes.
read_leaf() { # CERTIFICATE
  leaf_text=$(openssl x509 -in "$1" -noout -startdate -enddate -pubkey 2>/dev/null) || :
  leaf_start=$(printf '%s\n' "$leaf_text" | sed -n 's/^notBefore=//p')
  leaf_end=$(printf '%s\n' "$leaf_text" | sed -n 's/^notAfter=//p')
  leaf_key=$(printf '%s\n' "$leaf_text" | sed -n '/^-----BEGIN /,/^-----END /p')
}
# Its start is judged with the tolerance for clocks, its end apart. What the bundle has is trusted itself, as etcd does: an
# intermediate need not lead to a root.
signed_by() { # BUNDLE CERTIFICATE [MORE-TO-VERIFY...]
  bundle=$1 certificate=$2
  shift 2
  openssl verify -partial_chain -no_check_time -no-CApath -CAfile "$bundle" "$@" "$certificate" >/dev/null 2>&1
}
is_unexpired() { [ -n "$leaf_end" ] && [ "$(seconds_of "$leaf_end")" -gt "$(date -u +%s)" ]; }
covers() { # ADDRESS BUNDLE CERTIFICATE
  case $1 in
    *:* | *[0-9].[0-9]*[0-9]) signed_by "$2" "$3" -verify_ip "$1" ;;
    *) signed_by "$2" "$3" -verify_hostname "$1" ;;
  esac
}
verify_clock() { # a leaf that was just made is not from the future, unless this host's clock is behind
  behind=$(clock_behind "$leaf_start")
  [ "$behind" -le "$CLOCK_LIMIT_S" ] ||
    refuse "the clock of this host is $behind s behind a certificate's start (limit: $CLOCK_LIMIT_S s); set its clock (time service: $(time_sync)), then run again; the host keeps the certificates it has"
}
start_date() { openssl x509 -in "$1" -noout -startdate | cut -d= -f2; }
end_date() { openssl x509 -in "$1" -noout -enddate | cut -d= -f2; }

wait_until_settled() { # only beside a running member: others, whose clocks differ a little, will see the certificate at once
  is_running || return 0
  youngest=0
  for leaf in server peer operator; do
    start=$(seconds_of "$(start_date "$1/$leaf.crt")")
    [ "$start" -le "$youngest" ] || youngest=$start
  done
  wait_s=$((youngest + SETTLE_S - $(date -u +%s)))
  [ "$wait_s" -le 0 ] || sleep "$wait_s"
}

swap_pki() { # DIRECTORY: one rename of the link; the certificate and its key change together
  set_name=pki-$(cat "$1"/*.crt | sha256sum | cut -c1-12)
  old=$(readlink "$ETC_DIR/pki" || :)
  if [ "$old" = "$set_name" ]; then set_name=$set_name-$$; fi
  rm -rf "${ETC_DIR:?}/$set_name"
  mv "$1" "$ETC_DIR/$set_name"
  label_files "$ETC_DIR/$set_name"
  sync_tree "$ETC_DIR"
  ln -sfn "$set_name" "$ETC_DIR/.pki.new"
  mv -T "$ETC_DIR/.pki.new" "$ETC_DIR/pki"
  find "$ETC_DIR" -mindepth 1 -maxdepth 1 -type d -name 'pki-*' ! -name "$set_name" -exec rm -rf {} +
}
