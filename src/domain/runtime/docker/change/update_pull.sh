# compose-pull: the images come from a registry.

phase preflight
check_directory
check_engine
check_disks
remember
old=

phase pull
go_on
docker compose config -q || give_up $?
docker compose pull || give_up $?
switch compose_up
say version "$(cat "$job/version")" "$(version_now)"
