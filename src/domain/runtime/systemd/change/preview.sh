# What an update would do. Nothing is changed but what git knows of its remote.

phase preflight
dir=${dir:-$HOME}
check_directory
see
[ "$strategy" = command ] || check_right
slot=unit:${id:-$unit}
[ "$manager" != user ] || slot=user:${id:-$unit}
kept=${XDG_STATE_HOME:-$HOME/.local/state}/opsroom/services/$slot
if [ "$strategy" = pull ]; then
    check_quadlet
    say image "$name"
elif [ "$strategy" = git ]; then
    check_clone
    check_space "$PWD"
    phase fetch
    old=$(version_now)
    fetch || exit
    say commits "$old" "$new" "$count"
fi
