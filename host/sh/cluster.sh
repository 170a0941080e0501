# The cluster steps around the members: before the first of them, and after the last.

cmd_before() { # is the cluster as it was left? what is not healthy is said before any member is touched
  need version "$version"
  need_root
  read_members
  if [ -n "$founding" ]; then say "the cluster is being founded: nothing to look at"; return; fi
  unhealthy=$(ctl --endpoints="$(declared_endpoints)" endpoint health 2>&1 | grep -v -e 'is healthy' -e '^{' | cut -c1-200 || :)
  [ -z "$unhealthy" ] || note "before this run, not every member is healthy: $unhealthy"
  say "looked at the cluster"
}

cmd_membership() { # members that are not declared
  need version "$version"
  need_root
  read_members
  if [ -n "$founding" ]; then say "the cluster is being founded: nothing to remove"; return; fi
  listed=$(ctl --endpoints="$(declared_endpoints)" member list -w fields 2>&1 | member_rows | cut -d'|' -f2)
  for listed_name in $listed; do
    has_line "$(declared_names)" "$listed_name" || note "$listed_name is a member, but is not declared"
  done
  say "looked at the members"
}
