# pull: the images of the containers that the unit runs come from a registry.

phase preflight
check_right
check_containers
running_images >"$job/images"
remember

phase pull
go_on
# Each has the name that its file gives it; what that means now, the registry says.
pulled=
while read -r name _; do
    podman pull "$name" || give_up $?
    go_on
    pulled=$pulled$(podman image inspect -f "$name {{.Id}}" "$name")'
'
done <"$job/images"
new=$(printf %s "$pulled" | version_of)
say version "$old" "$new"
if [ "$new" = "$old" ]; then
    finish
    exit
fi
switch put_in_place
