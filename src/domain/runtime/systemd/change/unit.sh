# A unit, and who may change it.
#
# Given by the header: service unit manager change owner dir branch strategy
# verify rollback min_free discard wanted build install deploy undo preview
# properties.

export LC_ALL=C TZ=UTC0 GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0
: "${GIT_SSH_COMMAND:=ssh -o BatchMode=yes}"
export GIT_SSH_COMMAND

# The manager that runs it, also without a session.
of_user=
if [ "$manager" = user ]; then
    of_user=--user
    export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
fi

# A request to end is kept until the running command is over.
cancelled=''
trap 'cancelled=yes; say cancelled' TERM

# The locks that all logins see are held by the job alone: what a tool leaves
# running would hold them on.
systemctl() {
    command systemctl $of_user --no-pager --no-ask-password "$@" 8<&- 9<&-
}

git() {
    command git "$@" 8<&- 9<&-
}

# Runs what must not be cut off half-way: it does not hear a request to end.
critical() {
    setsid "$@" 8<&- 9<&-
}

# What systemd says of the unit now, on one line and in parts.
see() {
    shown=$(systemctl show -p "$properties" -- "$unit" 2>&1)
    seen=$(printf %s "$shown" | tr '\n' '|')
    id= load= active= sub= type= result= condition= checked= how= status= restarts= left= entered=
    while IFS='=' read -r key value; do
        case $key in
        Id) id=$value ;;
        LoadState) load=$value ;;
        ActiveState) active=$value ;;
        SubState) sub=$value ;;
        Type) type=$value ;;
        Result) result=$value ;;
        ConditionResult) condition=$value ;;
        ConditionTimestampMonotonic) checked=$value ;;
        ExecMainCode) how=$value ;;
        ExecMainStatus) status=$value ;;
        NRestarts) restarts=$value ;;
        ActiveExitTimestampMonotonic) left=$value ;;
        ActiveEnterTimestampMonotonic) entered=$value ;;
        esac
    done <<END
$shown
END
}

# Whether sudo lets this login do exactly this.
sudo_allows() { # arguments of systemctl
    command -v sudo >/dev/null && command sudo -n -l systemctl "$@" >/dev/null 2>&1
}

# A login's own manager listens to it, the system's to root; and to others where
# a rule of sudo's allows exactly this, or one of polkit's.
is_ours() {
    [ "$manager" = user ] || [ "$(id -u)" = 0 ]
}

# Has the manager do it.
manage() { # arguments of systemctl
    if ! is_ours && sudo_allows "$@"; then
        said=$(command sudo -n systemctl "$@" 8<&- 9<&- 2>&1)
        code=$?
        # A rule that asks for a password allows it too, to a person.
        case $said in
        *'assword'*' required'*) ;;
        *)
            [ -z "$said" ] || printf '%s\n' "$said"
            return $code
            ;;
        esac
    fi
    said=$(systemctl "$@" 2>&1)
    code=$?
    [ -n "$touched" ] || refuse_without_right
    [ -z "$said" ] || printf '%s\n' "$said"
    return $code
}

# When that is what $said says.
refuse_without_right() {
    case $said in
    *'nteractive authentication required'* | *'ccess denied'*) is_ours || refuse_right ;;
    esac
}

# Before anything is touched. What a rule of polkit's says of one unit, only
# asking for it tells; to start what is up changes nothing of it. A preview does
# not ask.
check_right() {
    is_ours || sudo_allows restart "$unit" && return
    pkcheck --action-id org.freedesktop.systemd1.manage-units --process $$ >/dev/null 2>&1 && return
    [ -z "$preview" ] || return 0
    [ "$active" = active ] || refuse_right
    said=$(systemctl start "$unit" 2>&1)
    refuse_without_right
}

# With the line that would allow it (sudoers(5)).
refuse_right() {
    path=$(unset -f systemctl; command -v systemctl)
    name=$(printf %s "$unit" | sed 's/[,:=\\]/\\&/g')
    refuse no-right "$(id -un)" "$(id -un) ALL=(root) NOPASSWD: $path restart $name, $path start $name, $path stop $name"
}

touched=''
