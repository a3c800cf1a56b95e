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
    setsid "$@" 8<&- 9<&-
}

# The locks that all logins see are held by the job alone: what a tool leaves
# running would hold them on.
git() {
    command git "$@" 8<&- 9<&-
}

docker() {
    command docker "$@" 8<&- 9<&-
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

# Those locks are this login's. Another login's jobs see a lock of the kernel's on
# a directory that all can open: that needs no right to write, no record of its
# owner, and ends with whoever holds it. `/.`: never anything but a directory.
take_shared_lock() { # descriptor, directory
    [ -r "$2/." ] && command -v flock >/dev/null || return 0
    eval "command exec $1<\"\$2/.\"" || return 0
    # Silent when somebody has it; else it says why it cannot lock there.
    said=$(flock -n "$1" 2>&1) || [ -n "$said" ] || refuse locked-elsewhere
}

# A container has no directory, so one is made where every login may. `mkdir`
# follows no link. Who makes it first can keep others waiting, and no more.
place_of_container() {
    place=/tmp
    case $(ls -ld /run/lock/. 2>/dev/null) in d???????wt*) place=/run/lock ;; esac
    # Another engine has other containers.
    place=$place/opsroom-$container${DOCKER_HOST:+-$(printf %s "$DOCKER_HOST" | cksum | cut -d' ' -f1)}
    mkdir -m 755 "$place" 2>/dev/null
    printf %s "$place"
}

mkdir -p "$state/locks" "$kept" || refuse no-state "$state"
take_lock "$lock"
take_shared_lock 8 "$(place_of_container)"
case $change/$strategy in
*/command | restart/* | stop/*) ;;
*) [ -z "$dir" ] || { take_lock "$dir_lock" && take_shared_lock 9 "$dir"; } ;;
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
