# What systemd runs that could be a service: units that Podman's files become
# (podman-systemd.unit(5)), and units of given names, of both managers.
command -v systemctl >/dev/null && [ -d /run/systemd/system ] || exit 0
export LC_ALL=C XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
# Prints how the units are whose names come on standard input, each once. A template is no unit.
tell() { # mark, option
    names=$(while read -r u _; do case $u in *@.*) ;; *) echo "$u" ;; esac; done | sort -u)
    [ -n "$names" ] || return 0
    printf '\n%s\n' "$1"
    (
        IFS='
'
        set -f
        systemctl $2 show --no-pager -p Id,SourcePath,LoadState,ActiveState,SubState -- $names
    )
}
generated() { # option
    systemctl $1 list-unit-files --no-legend --no-pager --plain --full --state=generated --type=service 2>/dev/null
}
units() { # option, patterns
    o=$1
    shift
    systemctl $o list-unit-files --no-legend --no-pager --plain --full -- "$@" 2>/dev/null
    systemctl $o list-units --all --no-legend --no-pager --plain --full -- "$@" 2>/dev/null
}
# Ends with the mark that all of a manager's was told: nothing of it is not to be taken for nothing there.
of() { # manager, option, patterns
    m=$1 o=$2
    shift 2
    systemctl $o show -p Version >/dev/null || return
    generated "$o" | tell "::opsroom-generated $m" "$o" || return
    [ $# = 0 ] || units "$o" "$@" | tell "::opsroom-named $m" "$o" || return
    printf '\n%s\n' "::opsroom-told $m"
}
