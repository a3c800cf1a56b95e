# Back to the last version that held, or to a certain one.

# Chooses the version: $new, and $images where they were kept.
choose() {
    images=
    if [ -n "$wanted" ]; then
        line=$(grep "^[0-9]* $wanted" "$kept/versions" 2>/dev/null | tail -n 1)
        new=$(printf %s "$line" | cut -d' ' -f2)
        if [ "$strategy" = compose-git ]; then
            new=$(git rev-parse --verify --quiet "$wanted^{commit}") || refuse no-such-version "$wanted"
        fi
        [ -n "$new" ] || refuse no-such-version "$wanted"
    else
        # The one before this, or the newest where this never held.
        line=$(sed "/^[0-9]* $now_at /,\$d" "$kept/versions" 2>/dev/null | tail -n 1)
        [ -n "$line" ] || refuse no-version
        new=$(printf %s "$line" | cut -d' ' -f2)
    fi
    [ -z "$line" ] || images=$(printf %s "$line" | cut -d' ' -f3)
}

# Gives the images their names back; fails when one is no longer there.
name_images() {
    has_images "$images" || return 1
    printf '%s\n' "$images" | tr , '\n' | while read -r pair; do
        # What was run by its ID or digest has no name to give back.
        case ${pair%%=*} in *sha256:*) continue ;; esac
        docker tag "${pair#*=}" "${pair%%=*}" || exit 1
    done
}

phase preflight
check_directory
check_engine
[ "$strategy" != compose-git ] || check_clone
now_at=$(version_now)
choose
[ "$strategy" = compose-git ] || has_images "$images" || refuse images-gone "$(printf %.12s "$new")"
[ "$new" != "$now_at" ] || refuse there-already "$(printf %.12s "$new")"
check_disks
remember
old=

if [ "$strategy" = compose-git ]; then
    old=$now_at
    count=$(git rev-list --count "$new..$old" 2>/dev/null)
    git reset --hard "$new" || give_up $?
    update_submodules || give_up $?
    say commits "$old" "$new" "${count:-0}"
    if ! name_images; then
        phase build
        go_on
        docker compose build || give_up $?
    fi
else
    name_images || give_up 1
    say version "$now_at" "$new"
fi
switch compose_up
drop_version "$now_at"
