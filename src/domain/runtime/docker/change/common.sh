# What every change begins with: nobody else changes the service meanwhile, and
# what it is like now is told.

job=$PWD
me=${job##*/}
state=${job%/jobs/*}
kept=$state/services/$container
lock=$state/locks/$container
# No container's name begins like that.
dir_lock=$state/locks/@$(printf %s "$dir" | cksum | cut -d' ' -f1)
printf '%s\n%s\n%s\n' "$owner" "$change" "$(date +%s)" >about

# A request to end is kept until the running command is over, and answered
# where it can be: see `critical` for where it can't.
old='' new='' images='' cancelled=''
trap 'cancelled=yes; say cancelled' TERM
trap 'unlock' EXIT

unlock() {
    for mine in "$lock" "$dir_lock"; do
        [ "$(readlink "$mine")" != "$me" ] || rm -f "$mine"
    done
}

# Runs what must not be cut off half-way: it does not hear a request to end.
critical() {
    setsid "$@"
}

# One change per container at a time, and one deployment per directory: several
# services may live in one clone. A lock is a link to the job that holds it, so
# making and filling it is one step; one whose job is dead is taken over.
take_lock() { # which
    ln -s "$me" "$1" 2>/dev/null && return
    holder=$(readlink "$1")
    # Perhaps it was let go this very moment.
    [ -n "$holder" ] || { ln -s "$me" "$1" 2>/dev/null && return; } || refuse_locked "$1"
    if alive "$state/jobs/$holder"; then
        refuse_locked "$1"
    fi
    # Taken away first, and then looked at: another may have found the same dead
    # lock and be in its place by now. It gets that back.
    mv "$1" "$state/locks/.$me" 2>/dev/null || refuse_locked "$1"
    moved=$(readlink "$state/locks/.$me")
    rm -f "$state/locks/.$me"
    if [ "$moved" != "$holder" ]; then
        ln -s "$moved" "$1" 2>/dev/null
        refuse_locked "$1"
    fi
    ln -s "$me" "$1" 2>/dev/null || refuse_locked "$1"
    say note lock-taken-over "$holder"
}

refuse_locked() { # which
    holder=$(readlink "$1")
    { read -r l_owner; read -r l_change; read -r l_since; } 2>/dev/null <"$state/jobs/$holder/about"
    refuse locked "${holder:-?}" "${l_owner:-?}" "${l_change:-?}" "${l_since:-0}"
}

mkdir -p "$state/locks" "$kept" || refuse no-state "$state"
take_lock "$lock"
case $change/$strategy in
*/command | restart/* | stop/*) ;;
*) [ -z "$dir" ] || take_lock "$dir_lock" ;;
esac
see
say before "$seen"
old_id=$id old_started=$started old_restarts=$restarts
was_good=
case $status/$health/$restarts in
running/healthy/0 | running//0) was_good=yes ;;
running/healthy/* | running//*)
    # One that loops is running too, now and then: it has to have run a while.
    case $(docker ps --no-trunc --filter "id=$id" --format '{{.Status}}') in
    *econd*) ;;
    Up*) was_good=yes ;;
    esac
    ;;
esac
