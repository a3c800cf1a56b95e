# Starts the job's process so that it outlives whoever asked for it: in a session of
# its own; and, where that is a service of systemd (the bot's own, for a job on its
# own machine), in a scope of its own too, because the end of a service is the end
# of all in its cgroup. sshd's service leaves alone what it has started.
detach() { # command
    cgroup=
    { while IFS=: read -r _ of place; do
        case $of in '' | name=systemd) cgroup=$place ;; esac
    done </proc/self/cgroup; } 2>/dev/null
    case $cgroup in
    */ssh.service | */sshd.service | */sshd@*.service) ;;
    *.service)
        manager=--user
        [ "$(id -u)" != 0 ] || manager=--system
        XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemd-run $manager --quiet --collect --scope setsid "$@"
        # It may not have got that far.
        [ ! -e begun ] || return
        ;;
    esac
    setsid "$@"
}
