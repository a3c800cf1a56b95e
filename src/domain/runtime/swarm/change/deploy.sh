# Update and roll-back: images are pulled first, then the engine replaces the tasks
# of each service in turn, and what does not hold is put back.

# Ends before anything that runs was touched.
give_up() { # exit status
    trap '' TERM
    finish
    [ -z "$cancelled" ] || exit 143
    exit "$1"
}

go_on() {
    [ -z "$cancelled" ] || give_up 143
}

# Gives services their images. A plan has a service and an image a line.
put_in_place() { # plan
    printf '%s\n' "$1" | while read -r one image; do
        [ "$(image_of "$one")" != "$image" ] || continue
        # What is in place anew together is taken back together.
        # shellcheck disable=SC2086 # an option or none
        docker service update -q -d --no-resolve-image $registry --label-add "opsroom.updated=$stamp" --image "$image" "$one" >/dev/null || exit 1
    done
}

go_back() { # exit status
    failed_as=$1
    [ -z "$cancelled" ] || failed_as=143
    if [ "$rollback" != yes ]; then
        say back off
    elif [ -z "$was_good" ]; then
        say back nothing
    else
        phase rollback
        trap '' TERM
        cancelled=
        note_troubles
        if put_in_place "$before_plan" && hold_still; then
            say back held "$(short "$old")"
        else
            say back failed "${trouble:-the commands failed}"
        fi
    fi
    finish
    exit "$failed_as"
}

switch() { # plan
    go_on
    note_troubles
    phase switch
    put_in_place "$1" || go_back 1
    [ -z "$cancelled" ] || { say trouble cancelled; go_back 143; }
    phase verify
    hold_still || { say trouble "$trouble"; go_back 1; }
    keep "$1"
    finish_verified
}

# Notes the images that held at their services, the newest last; the five newest stay.
keep() { # plan
    printf '%s\n' "$1" | while read -r one image; do
        list=$( { versions_of "$one" | tr ' ' '\n' | grep -vxF "$image"; echo "$image"; } | grep . | tail -n 5 | tr '\n' ' ')
        list=${list% }
        [ "$(versions_of "$one")" = "$list" ] || docker service update -q -d --label-add "$kept=$list" "$one" >/dev/null
    done
}

# Of nodes that are to pull, each is given the login that this one has.
registry=
stamp=$(date +%s)
old=$(images_now)
before_plan=$(for one in $found; do echo "$one $(image_of "$one")"; done)
was_good=
all_run && was_good=yes
