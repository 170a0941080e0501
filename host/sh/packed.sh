# Packed snapshots: verified, compressed and perhaps encrypted, TIME-rREVISION-MINOR-NODE.db.gz[.age], and beside each
# NAME.sha256 with the digest of the file as it is stored. What is asked here fails with the reason in $problem.

packed_name() { # TIME REVISION MINOR NODE [quorum]
  if [ -n "${5:-}" ]; then echo "$1-r$2-$3-$4.db.gz"; else echo "$1-r$2-$3-$4-noquorum.db.gz"; fi
}

# A file has its name only once it is whole and on the disk, and has its digest beside it before.
pack_snapshot() { # RAW FILE [AGE-RECIPIENT...]
  raw=$1 packed=$2 new_packed=${2%/*}/.new-${2##*/}
  shift 2
  write_packed "$@" || say_problem "the snapshot cannot be packed: $(tail -n 1 "$work/pack.log")" || return 1
  name_packed || say_problem "the snapshot cannot be written to ${packed%/*}"
}
name_packed() {
  printf '%s  %s\n' "$(digest_of "$new_packed")" "${packed##*/}" >"$packed.sha256" &&
    sync_file "$packed.sha256" && sync_file "$new_packed" && mv "$new_packed" "$packed" && sync_file "${packed%/*}"
}
write_packed() { # [AGE-RECIPIENT...]: a pipe has only the end of its last part
  if [ $# = 0 ]; then
    gzip -1 -c "$raw" >"$new_packed" 2>"$work/pack.log"
    return
  fi
  for recipient in "$@"; do
    set -- "$@" --recipient "$recipient"
    shift
  done
  rm -f "$work/compressed"
  { gzip -1 -c "$raw" && : >"$work/compressed"; } 2>"$work/gzip.log" | age "$@" --output "$new_packed" 2>"$work/pack.log" || return 1
  [ -e "$work/compressed" ] || { mv "$work/gzip.log" "$work/pack.log"; return 1; }
}
packed_digest() { cut -d' ' -f1 "$1.sha256" 2>/dev/null || :; } # FILE: as it was recorded
# The oldest first. One with a time to come, of a clock that was ahead, would outlive all others: it comes before them.
packed_files() { # DIRECTORY
  find "$1" -mindepth 1 -maxdepth 1 -name '[0-9]*Z-r*.db.gz*' ! -name '*.sha256' 2>/dev/null | sort |
    awk -F/ -v now="$(timestamp)" 'substr($NF, 1, 16) > now { print; next } { past[++n] = $0 } END { for (i = 1; i <= n; i++) print past[i] }'
}

# From this host, else from the store. Nothing of it is verified: whoever unpacks it says what it has to be.
fetch_packed() { # NAME FILE
  stored_here=$(snapshots_dir)/${1##*/}
  if [ -e "$stored_here" ]; then
    cp "$stored_here" "$2" 2>"$work/fetch.log" || say_problem "$stored_here cannot be copied: $(tail -n 1 "$work/fetch.log")"
  elif has_store; then
    store_get "$1" "$2"
  else
    say_problem "there is no $stored_here, and no store to ask for it (etcd:backup.store)"
  fi
}

# To the database as etcd sent it. $age_identity is a file with the key, where it is encrypted.
age_identity=''
unpack_packed() { # FILE SHA256 OUT
  stored_digest=$(digest_of "$1")
  [ "$stored_digest" = "$2" ] || say_problem "its sha256 is $stored_digest, and was to be $2" || return 1
  rm -f "$3"
  decompressed=yes
  if is_encrypted "$1"; then
    command -v age >/dev/null 2>&1 || say_problem "it is encrypted, and age is not installed here" || return 1
    [ -s "$age_identity" ] || say_problem "it is encrypted, and no key was given to decrypt it (pulumi config set --secret backupIdentity < key)" || return 1
    rm -f "$work/age.log"
    { age --decrypt --identity "$age_identity" "$1" 2>"$work/age.new" || mv "$work/age.new" "$work/age.log"; } |
      gzip -d -c >"$3" 2>"$work/unpack.log" || decompressed=no
    [ ! -e "$work/age.log" ] || say_problem "it cannot be decrypted: $(grep -m 1 . "$work/age.log")" || return 1
  else
    gzip -d -c <"$1" >"$3" 2>"$work/unpack.log" || decompressed=no
  fi
  [ "$decompressed" = yes ] || say_problem "it cannot be decompressed: $(tail -n 1 "$work/unpack.log")" || return 1
  is_whole "$3" || say_problem "it is not what a member sent: the sha256 at its end differs" || return 1
  read_back "$3" || say_problem "it $problem"
}
is_encrypted() { [ "$(head -c 21 "$1")" = age-encryption.org/v1 ]; } # FILE
