# What every change begins with: nobody else changes the service meanwhile, and
# what it is like now is told.

job=$PWD
me=${job##*/}
state=${job%/jobs/*}
kept=$state/services/$container
lock=$state/locks/$container
printf '%s\n%s\n%s\n' "$owner" "$change" "$(date +%s)" >about

# A request to end is kept until the running command is over, and answered
# where it can be: see `critical` for where it can't.
old='' new='' images='' cancelled=''
trap 'cancelled=yes; say cancelled' TERM
trap 'unlock' EXIT

unlock() {
    [ "$(readlink "$lock")" != "$me" ] || rm -f "$lock"
}

# Runs what must not be cut off half-way: it does not hear a request to end.
critical() {
    setsid "$@"
}

# One change per container at a time. The lock is a link to the job that holds
# it, so making and filling it is one step; one whose job is dead is taken over.
take_lock() {
    mkdir -p "$state/locks" "$kept" || refuse no-state "$state"
    ln -s "$me" "$lock" 2>/dev/null && return
    holder=$(readlink "$lock")
    if alive "$state/jobs/$holder"; then
        refuse_locked
    fi
    rm -f "$lock"
    ln -s "$me" "$lock" 2>/dev/null || refuse_locked
    # Another may have found the same dead lock: the last one to make it has it.
    sleep 1
    [ "$(readlink "$lock")" = "$me" ] || refuse_locked
    say note lock-taken-over "$holder"
}

refuse_locked() {
    holder=$(readlink "$lock")
    { read -r l_owner; read -r l_change; read -r l_since; } 2>/dev/null <"$state/jobs/$holder/about"
    refuse locked "${holder:-?}" "${l_owner:-?}" "${l_change:-?}" "${l_since:-0}"
}

take_lock
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
