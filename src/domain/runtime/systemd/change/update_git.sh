# git: fetch, reset, build, put in place.

phase preflight
check_right
check_directory
check_clone
check_space "$PWD"
remember

phase fetch
go_on
fetch || give_up $?
# What only this clone had stays reachable.
git merge-base --is-ancestor "$old" "$new" || { git update-ref "refs/opsroom/$old" "$old"; say note left-behind "$old"; }
check_out "$new" || give_up $?
update_submodules || give_up $?
say commits "$old" "$new" "$count"

if [ -n "$build" ]; then
    phase build
    go_on
    prepare || give_up $?
fi
switch put_in_place
