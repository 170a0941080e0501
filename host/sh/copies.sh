# For `npm run copy-snapshot`: a snapshot that lies on one host only gets to the others, which restore it together.

copy_named() { # the file that holds it, or will
  need snapshot "$snapshot"
  need_root
  case ${snapshot##*/} in *.db | *.db.gz | *.db.gz.age) ;; *) usage "'$snapshot' is not the name of a snapshot" ;; esac
  kept_here=$(snapshots_dir)/${snapshot##*/}
}
cmd_has_copy() {
  copy_named
  [ -f "$kept_here" ] || { say "none"; return; }
  say "holds $(digest_of "$kept_here")"
}
cmd_send_copy() {
  copy_named
  [ -f "$kept_here" ] || refuse "there is no $kept_here"
  cat "$kept_here"
}
cmd_take_copy() { # stdin: the file; it has its name only once it is whole
  copy_named
  need sha256 "$sha256"
  folder=${kept_here%/*}
  [ -d "$folder" ] || install -d -m 0700 "$folder"
  [ ! -e "$kept_here" ] || [ "$(digest_of "$kept_here")" != "$sha256" ] || return 0
  [ ! -e "$kept_here" ] || refuse "$kept_here is another file of that name; move it away, then run again"
  new=$folder/.copy-$$
  trap 'rm -f "$new"' EXIT
  cat >"$new" || fail "$new cannot be written; see the line above (a full disk?)"
  [ "$(digest_of "$new")" = "$sha256" ] || fail "what arrived of $snapshot is not whole; run again"
  sync_file "$new"
  mv "$new" "$kept_here"
  say "has ${snapshot##*/}"
}
