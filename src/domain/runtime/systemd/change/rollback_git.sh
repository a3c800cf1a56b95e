# Back to the last version that held, or to a certain one.

phase preflight
check_right
check_directory
check_clone
now_at=$(version_now)
if [ -n "$wanted" ]; then
    new=$(git rev-parse --verify --quiet "$wanted^{commit}") || refuse no-such-version "$wanted"
else
    # The one before this, or the newest where this never held.
    new=$(sed "/^[0-9]* $now_at\$/,\$d" "$kept/versions" 2>/dev/null | tail -n 1 | cut -d' ' -f2)
    [ -n "$new" ] || refuse no-version
fi
[ "$new" != "$now_at" ] || refuse there-already "$(printf %.12s "$new")"
check_space "$PWD"
remember
count=$(git rev-list --count "$new..$old" 2>/dev/null)
check_out "$new" || give_up $?
update_submodules || give_up $?
say commits "$old" "$new" "${count:-0}"
if [ -n "$build" ]; then
    phase build
    go_on
    prepare || give_up $?
fi
switch put_in_place
# Somebody went back from it: it did not hold after all.
{ grep -v "^[0-9]* $now_at\$" "$kept/versions" || :; } >"$kept/versions.new" && mv "$kept/versions.new" "$kept/versions"
