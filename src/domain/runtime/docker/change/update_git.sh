# compose-git: fetch, reset, build in full, put in place.

phase preflight
check_directory
check_engine
check_clone
check_disks
remember

phase fetch
old=$(version_now)
go_on
fetch || give_up $?
# What only this clone had stays reachable.
git merge-base --is-ancestor "$old" "$new" || { git update-ref "refs/opsroom/$old" "$old"; say note left-behind "$old"; }
git reset --hard "$new" || give_up $?
update_submodules || give_up $?
say commits "$old" "$new" "$count"

phase build
go_on
docker compose config -q || give_up $?
docker compose build || give_up $?
switch compose_up
