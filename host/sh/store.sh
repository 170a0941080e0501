# The store: S3, or what speaks as it does, asked by curl. An object is written once, and none is ever deleted from here.
# KEY is without the prefix that the stack gives. What is asked here fails with the reason in $problem.

STORE_MOST_BYTES=5368709120 # of one upload
STORE_SECONDS=30            # without a byte, until it is asked again
STORE_RETRIES=2
STORE_BRIEFLY=60            # for what is no snapshot
STORE_BLOCKS=16384          # of 512 bytes: for what is no snapshot
NO_BYTES=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 # sha256 of nothing

STORE_DIR='' # where its address and key are, if not in $ETC_DIR
has_store() { [ -s "${STORE_DIR:-$ETC_DIR}/store.conf" ]; }
store_value() { sed -n "s/^$1=//p" "${STORE_DIR:-$ETC_DIR}/store.conf"; } # NAME
store_url() { store_prefix=$(store_value prefix); echo "$(store_value url)/${store_prefix:+$store_prefix/}$1"; } # KEY

# Older ones sign what no store accepts.
can_sign() {
  set -- "$(curl --version 2>/dev/null | sed -n '1s/^curl \([0-9]*\.[0-9]*\).*/\1/p')"
  [ -n "$1" ] || say_problem "there is no curl on this host, which uploads snapshots; install curl 7.88 or newer" || return 1
  [ "${1%.*}" -gt 7 ] || { [ "${1%.*}" = 7 ] && [ "${1#*.}" -ge 88 ]; } ||
    say_problem "curl $1 on this host cannot sign for S3; install 7.88 or newer"
}

# The key is read from a file of root's: nothing of it is in an argument or in the environment.
# Whoever answers for the store may send without end: time and size are limited wherever no snapshot is on its way.
ask_store() { # briefly|upload|download SHA256-OF-WHAT-IS-SENT ANSWER-FILE CURL-ARGUMENT...
  kind=$1 payload=$2 answer=$3
  shift 3
  store_status=''
  if [ "$kind" = briefly ]; then set -- --max-time "$STORE_BRIEFLY" "$@"; fi
  if [ "$kind" = download ]; then most=unlimited; else most=$STORE_BLOCKS; fi
  can_sign || return 1
  [ ! -e "${STORE_DIR:-$ETC_DIR}/store-ca.crt" ] || set -- --cacert "${STORE_DIR:-$ETC_DIR}/store-ca.crt" "$@"
  proxy=$(store_value proxy)
  rm -f "$answer" "$work/store-headers"
  store_status=$(trap '' XFSZ; ulimit -f "$most"; with_proxy curl --disable --globoff --config "${STORE_DIR:-$ETC_DIR}/store.curlrc" --silent --show-error --output "$answer" \
    --dump-header "$work/store-headers" --write-out '%{http_code}' --connect-timeout 10 --speed-limit 1024 --speed-time "$STORE_SECONDS" \
    --retry "$STORE_RETRIES" --aws-sigv4 "aws:amz:$(store_value region):s3" --header "x-amz-content-sha256: $payload" "$@" 2>"$work/store.log") || {
    store_status='' # what it said before the end of a transfer is no answer
    say_problem "the store $(store_value url) does not answer: $(tail -n 1 "$work/store.log" | sed 's/^curl: *//')"
  }
}
refused_by_store() { # ANSWER-FILE
  said=$(tr '<' '\n' <"$1" 2>/dev/null | sed -n 's/^Code>//p' | head -n 1 | tr -cd A-Za-z | cut -c 1-80)
  case $said in
    RequestTimeTooSkewed) hint="; the clock of this host is wrong" ;;
    AccessDenied | InvalidAccessKeyId | SignatureDoesNotMatch) hint="; correct etcd:backupAccessKey, or what its user may do there" ;;
    NoSuchBucket) hint="; correct etcd:backup.store" ;;
    *) hint='' ;;
  esac
  say_problem "the store $(store_value url) answers $store_status${said:+ $said}$hint"
}

store_put() { # FILE KEY
  size=$(wc -c <"$1")
  [ "$size" -le "$STORE_MOST_BYTES" ] ||
    say_problem "the snapshot has $((size / 1048576)) MiB packed, and one upload takes $((STORE_MOST_BYTES / 1048576)); defragment (npm run defragment), or keep less history" || return 1
  put_file=$1 put_key=$2
  set -- --upload-file "$put_file" --header 'If-None-Match: *'
  sse=$(store_value sse) kms_key=$(store_value kms_key)
  [ -z "$sse" ] || set -- "$@" --header "x-amz-server-side-encryption: $sse"
  [ -z "$kms_key" ] || set -- "$@" --header "x-amz-server-side-encryption-aws-kms-key-id: $kms_key"
  why_not_put=''
  ask_store upload "$(digest_of "$put_file")" "$work/store-answer" "$@" "$(store_url "$put_key")" || why_not_put=$problem
  case $store_status in
    200 | '') ;; # none: it may have cut off what it has already, so it is asked for that
    412) why_not_put="the store already has another file by the name $put_key" ;;
    *) refused_by_store "$work/store-answer" || return 1 ;;
  esac
  store_has "$put_key" "$size" || say_problem "${why_not_put:-$problem}"
}
store_has() { # KEY SIZE
  ask_store briefly "$NO_BYTES" "$work/store-answer" --head "$(store_url "$1")" || return 1
  [ "$store_status" = 200 ] || say_problem "the store $(store_value url) answers $store_status when it is asked for $1" || return 1
  is=$(tr -d '\r' <"$work/store-headers" | awk 'tolower($1) == "content-length:" { print $2 }' | tail -n 1)
  [ "$is" = "$2" ] || say_problem "$1 has ${is:-no} bytes in the store, and was to have $2"
}
store_get() { # KEY FILE
  case $1 in *.sha256) kind=briefly ;; *) kind=download ;; esac
  ask_store "$kind" "$NO_BYTES" "$2" "$(store_url "$1")" || return 1
  [ "$store_status" != 200 ] || return 0
  refused_by_store "$2" || { rm -f "$2"; return 1; }
}
# "KEY SIZE" of each, a thousand in one answer.
store_list() { # FOLDER/
  store_prefix=$(store_value prefix) after=''
  store_prefix=${store_prefix:+$store_prefix/}
  query="list-type=2&prefix=$(in_query "$store_prefix$1")"
  while :; do
    ask_store briefly "$NO_BYTES" "$work/store-answer" "$(store_value url)/?$query${after:+&start-after=$(in_query "$after")}" || return 1
    [ "$store_status" = 200 ] || refused_by_store "$work/store-answer" || return 1
    awk -v RS='<' '/^Key>/ { key = substr($0, 5) } /^Size>/ { print key, substr($0, 6) }' "$work/store-answer" >"$work/store-page"
    sed "s|^$store_prefix||" "$work/store-page"
    grep -q '<IsTruncated>true' "$work/store-answer" || return 0
    before=$after after=$(tail -n 1 "$work/store-page" | cut -d' ' -f1)
    printf '%s\n' "$before" "$after" | sort -uc 2>/dev/null ||
      say_problem "the store $(store_value url) lists the same names again and again" || return 1
  done
}
in_query() { printf '%s' "$1" | sed 's|/|%2F|g'; } # letters, digits and . _ - are as they are
