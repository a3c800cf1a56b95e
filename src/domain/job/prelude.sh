# Where jobs live, and whether one does.
r="${XDG_STATE_HOME:-$HOME/.local/state}/opsroom/jobs"

# What tells a process from a later one with the same number: when this machine
# was started, and when the process was. Nothing where there is no /proc.
born() {
    cat /proc/sys/kernel/random/boot_id
    stat=$(cat "/proc/$1/stat") && set -- ${stat##*) } && echo "${20}"
} 2>/dev/null

# Whether the job in this directory runs.
alive() {
    [ ! -e "$1/result" ] && [ -s "$1/pid" ] || return 1
    read -r a_pid <"$1/pid"
    kill -0 "$a_pid" 2>/dev/null && [ "$(born "$a_pid")" = "$(cat "$1/born" 2>/dev/null)" ]
}
