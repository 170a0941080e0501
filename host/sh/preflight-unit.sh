# Preflight of what the member's unit asks of its host: it would not start, nor would the one that it replaces.

check_unit() {
  check_user_namespaces
  check_writable_folders
}

# PrivateUsers=yes of the unit needs a user namespace; hardened systems allow none.
check_user_namespaces() {
  most=$(cat "$PROC/sys/user/max_user_namespaces" 2>/dev/null || :)
  if [ "$private_users" = no ]; then verdict ok namespaces "not used" "none needed"; return; fi
  check refuse namespaces "user.max_user_namespaces is ${most:-not set}" "the unit's sandbox needs one" test "${most:-1}" != 0
}

# What is there and is not etcd's stays as it is: only its owner can say whether it may be given away.
check_writable_folders() {
  [ -n "$writable" ] || return 0
  closed=''
  for dir in $writable; do
    [ ! -e "$dir" ] || [ "$(stat -L -c %U "$dir")" = etcd ] || closed="$closed $dir"
  done
  check refuse folders "${closed:-none of another owner}" "those of etcd:unit readWritePaths belong to etcd" test -z "$closed"
}
