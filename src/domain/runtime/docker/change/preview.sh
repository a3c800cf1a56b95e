# What an update would do. Nothing is changed but what git knows of its remote.

preview=yes
phase preflight
dir=${dir:-$HOME}
check_directory
check_engine
[ "$strategy" != compose-git ] || check_clone
check_disks
kept=${XDG_STATE_HOME:-$HOME/.local/state}/opsroom/services/$slot
see
case $strategy in
compose-git)
    phase fetch
    old=$(version_now)
    fetch || exit
    say commits "$old" "$new" "$count"
    git -c core.quotePath=false diff --name-only "$old" "$new" | grep -Ei '(^|/)((docker-)?compose[^/]*\.ya?ml|Dockerfile[^/]*|\.env[^/]*)$' |
        head -n 10 | while read -r file; do say file "$file"; done
    ;;
compose-pull)
    docker compose config --images | sort -u | head -n 20 | while read -r image; do say image "$image"; done
    ;;
esac
tell_lost_images "$(version_now)"
