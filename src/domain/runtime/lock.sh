# Locks: nobody else changes meanwhile what this job changes.
#
# Given by the header: owner change.

job=$PWD
me=${job##*/}
state=${job%/jobs/*}
printf '%s\n%s\n%s\n' "$owner" "$change" "$(date +%s)" >about
trap 'unlock' EXIT

# What was not taken is not let go.
lock='' dir_lock=''
unlock() {
    for mine in "$lock" "$dir_lock"; do
        [ "$(readlink "$mine")" != "$me" ] || rm -f "$mine"
    done
}

# A lock is a link to the job that holds it, so making and filling it is one
# step; one whose job is dead is taken over.
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

# What has no directory of its own gets one where every login may make it.
# `mkdir` follows no link. Who makes it first can keep others waiting, and no more.
shared_place() { # name
    place=/tmp
    case $(ls -ld /run/lock/. 2>/dev/null) in d???????wt*) place=/run/lock ;; esac
    mkdir -m 755 "$place/opsroom-$1" 2>/dev/null
    printf %s "$place/opsroom-$1"
}
