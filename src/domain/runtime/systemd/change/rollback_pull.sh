# Back to the images of the last version that held, or of a certain one.

phase preflight
check_right
check_containers
now_at=$(version_now)
if [ -n "$wanted" ]; then
    line=$(grep "^[0-9]* $wanted" "$kept/versions" 2>/dev/null | tail -n 1)
    [ -n "$line" ] || refuse no-such-version "$wanted"
else
    # The one before this, or the newest where this never held.
    line=$(sed "/^[0-9]* $now_at /,\$d" "$kept/versions" 2>/dev/null | tail -n 1)
    [ -n "$line" ] || refuse no-version
fi
new=$(printf %s "$line" | cut -d' ' -f2)
[ "$new" != "$now_at" ] || refuse there-already "$(printf %.12s "$new")"
printf '%s\n' "${line##* }" | tr , '\n' | tr = ' ' >"$job/wanted"
while read -r _ image; do
    podman image exists "$image" || refuse images-gone "$(printf %.12s "$new")"
done <"$job/wanted"
running_images >"$job/images"
remember
name_images <"$job/wanted" || give_up 1
say version "$old" "$new"
switch put_in_place
# Somebody went back from it: it did not hold after all.
grep -v "^[0-9]* $now_at " "$kept/versions" | write_versions
