# What every change begins with: nobody else changes the service meanwhile, and
# what it is like now is told.

kept=$state/services/$slot
lock=$state/locks/$slot
# No container's name begins like that, nor what stands for a project.
dir_lock=$state/locks/@$(printf %s "$dir" | cksum | cut -d' ' -f1)

# A request to end is kept until the running command is over, and answered
# where it can be: see `critical` for where it can't.
old='' new='' images='' cancelled=''
trap 'cancelled=yes; say cancelled' TERM

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

# One change per container or project at a time, and one deployment per directory: several
# services may live in one clone. Another engine has other containers.
mkdir -p "$state/locks" "$kept" || refuse no-state "$state"
take_lock "$lock"
take_shared_lock 8 "$(shared_place "$slot${DOCKER_HOST:+-$(printf %s "$DOCKER_HOST" | cksum | cut -d' ' -f1)}")"
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
