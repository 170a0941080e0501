# bundles: the CAs that a host trusts, one certificate after the other in a file. etcd reads it at its start only.

certificate_in() { # BUNDLE NUMBER; nothing beyond the last
  awk -v wanted="$2" '/^-----BEGIN CERTIFICATE-----/ { n++ } n == wanted' "$1"
}

# Before a restart with another bundle: what the other members serve must verify in it, or they and this one are cut from each
# other. It may be a host that was put back from an old image. One that the proof counts as unhealthy takes nothing away.
prove_bundles() {
  for side in client peer; do
    same_file "$ETC_DIR/pki/$side-ca.crt" "$RUN_DIR/started/$side-ca.crt" || until_proven others_fit "$side"
  done
}
others_fit() { # client|peer
  healthy_voters_but "$me" >"$work/others"
  while read -r other url; do
    case $1 in
      client) serves=server ;;
      *) serves=peer url=$(awk -F'|' -v name="$other" '$2 == name { print $3 }' "$work/members" | cut -d, -f1) ;;
    esac
    fetch_from "$1" "${url#https://}" "$work/served" ''
    openssl x509 -in "$work/served" -noout 2>/dev/null ||
      say_problem "$other is healthy, but shows no certificate at $url; see 'etcd-host status' there, then run again" || return 1
    signed_by "$ETC_DIR/pki/$1-ca.crt" "$work/served" ||
      refuse "$other serves a $serves certificate of a CA that the new bundle does not have; a restart would cut $name from it. Raise checkId and run 'pulumi up': the certificates of $other come first"
  done <"$work/others"
}
