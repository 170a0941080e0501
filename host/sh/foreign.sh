# An etcd that this program did not install. Nothing of it is overwritten in silence: its unit and its commands are refused,
# or set aside with allow: [foreign-etcd], where it does not run and has left no data. Its user is used as it is.

ACCOUNTS=/etc/passwd
PACKAGED_DATA=/var/lib/etcd # where the packages of Debian and Red Hat keep it

check_foreign() {
  find_foreign
  [ -n "$foreign_unit$foreign_files" ] || { verdict ok foreign none "no etcd from elsewhere"; return; }
  found=$(printf '%s' "$foreign_unit$foreign_files" | sed 's/^ //')
  why_it_stays=$(what_foreign_holds)
  if allowed foreign-etcd && [ -z "$why_it_stays" ]; then
    verdict warn foreign "$found: set aside" "no etcd from elsewhere"
  else
    verdict refuse foreign "$found${why_it_stays:+, and $why_it_stays}" "no etcd from elsewhere"
  fi
}
find_foreign() {
  foreign_unit='' foreign_files=''
  if [ -z "$(mark_value name)" ]; then # afterwards the unit of this name is ours
    if [ -e "$UNIT_FILE" ] || [ -L "$UNIT_FILE" ]; then foreign_unit=$UNIT_FILE; else foreign_unit=$(unit_property FragmentPath) || :; fi
  fi
  for binary in $BINARIES; do
    file=$LINK_DIR/$binary
    if [ -L "$file" ]; then
      [ -z "$(mark_value name)" ] || continue # afterwards the member's step puts it right
      case $(readlink "$file") in "$OPT_DIR"/*) continue ;; esac
    fi
    if [ -e "$file" ] || [ -L "$file" ]; then foreign_files="$foreign_files $file"; fi
  done
}
what_foreign_holds() {
  [ -z "$(mark_value name)" ] || return 0 # what runs here is ours
  if is_running; then echo "it runs"; return; fi
  for dir in "$data_dir" "$PACKAGED_DATA"; do
    if holds_data "$dir"; then echo "$dir holds data"; return; fi
  done
}
foreign_remedy() {
  if [ -n "$why_it_stays" ]; then echo "stop it and move its data away first"
  else echo "move it away, or have it set aside with etcd:allow: [foreign-etcd]"; fi
}

# What preflight found: its files keep their folders under another name; what a package owns elsewhere is only disabled, and
# ours comes before it.
set_foreign_aside() {
  [ -n "$foreign_unit$foreign_files" ] || return 0
  if [ -n "$foreign_unit" ]; then systemctl disable --quiet etcd.service 2>/dev/null || :; fi
  if [ "$foreign_unit" = "$UNIT_FILE" ]; then foreign_files="$foreign_files $UNIT_FILE"; fi
  for file in $foreign_files; do
    aside=$(free_name "$file.aside-$(timestamp)")
    mv "$file" "$aside"
    note "$file, of an etcd from elsewhere, is kept in $aside"
  done
  systemctl daemon-reload
}

check_user() {
  account=$(getent passwd etcd) || account=''
  uid=$(printf '%s' "$account" | cut -d: -f3)
  if [ -n "$account" ]; then
    check refuse user "etcd with uid $uid is kept" "a user of its own" test "$uid" != 0
  else # a list of users that nobody may change (chattr +i) is found before anything else is changed
    check refuse user "etcd is to be made in $ACCOUNTS" "writable, where there is no user etcd" can_append "$ACCOUNTS"
  fi
}
can_append() { (: >>"$1") 2>/dev/null; }
