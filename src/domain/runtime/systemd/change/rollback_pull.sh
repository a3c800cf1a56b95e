# Back to the image of the last version that held, or of a certain one.

phase preflight
check_right
check_quadlet
look
lock_image
if [ -n "$wanted" ]; then
    line=$(grep "^[0-9]* $wanted" "$kept/images" 2>/dev/null | tail -n 1)
    [ -n "$line" ] || refuse no-such-version "$wanted"
else
    # The one before this, or the newest where this never held.
    line=$(sed "/^[0-9]* $old\$/,\$d" "$kept/images" 2>/dev/null | tail -n 1)
    [ -n "$line" ] || refuse no-version
fi
new=${line#* }
[ "$new" != "$old" ] || refuse there-already "$(printf %.12s "$new")"
podman image exists "$new" || refuse images-gone "$(printf %.12s "$new")"
critical podman tag "$new" "$name" || give_up 1
[ -z "$was_good" ] || keep_version "$old"
say version "$old" "$new"
switch put_in_place
# Somebody went back from it: it did not hold after all.
grep -v "^[0-9]* $old\$" "$kept/images" | write_images
