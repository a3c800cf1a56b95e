# Where jobs live, and whether one does.
r="${XDG_STATE_HOME:-$HOME/.local/state}/opsroom/jobs"

# What tells a process from a later one with the same number: when this machine
# was started, and when the process was. Nothing where there is no /proc.
born() {
    cat /proc/sys/kernel/random/boot_id
    stat=$(cat "/proc/$1/stat") && set -- ${stat##*) } && echo "${20}"
} 2>/dev/null

# Whether the process of the job in this directory runs.
runs() {
    [ -s "$1/pid" ] || return 1
    read -r a_pid <"$1/pid"
    kill -0 "$a_pid" 2>/dev/null && [ "$(born "$a_pid")" = "$(cat "$1/born" 2>/dev/null)" ]
}

# Whether it has more to do.
alive() {
    [ ! -e "$1/result" ] && runs "$1"
}

# Makes sure that the job in this directory does not begin any more. Fails when
# it has: the one that makes `begun` decides.
forbid() {
    mkdir -p "$1" && [ ! -e "$1/pid" ] && mkdir "$1/begun" 2>/dev/null && : >"$1/forbidden"
}

# Waits until the process of the job that was placed here has said its number.
named() {
    n=0
    until [ -s pid ] || [ $n -ge 100 ]; do
        sleep 0.05 2>/dev/null || sleep 1
        n=$((n + 1))
    done
    [ -s pid ]
}
