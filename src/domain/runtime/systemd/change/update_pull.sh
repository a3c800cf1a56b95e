# pull: the image that the unit's file names comes from its registry.

phase preflight
check_right
check_quadlet
look
lock_image
[ -z "$was_good" ] || keep_version "$old"

phase pull
go_on
podman pull "$name" || give_up $?
go_on
new=$(id_of "$name")
[ -n "$new" ] || give_up 1
say version "$old" "$new"
if [ "$new" = "$old" ] && [ -n "$was_good" ] && [ "$(systemctl show -p NeedDaemonReload --value -- "$unit")" != yes ]; then
    finish
    exit
fi
switch put_in_place
