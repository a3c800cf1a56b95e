# What the engine says of the container now, whole and in parts.
see() {
    seen=$(docker inspect --type container -f "$format" "$container" 2>&1 | tail -n 1)
    id= status= started= restarts= health=
    case $seen in
    *'|'*)
        IFS='|' read -r _name id status started _finished restarts _code _oom health <<END
$seen
END
        ;;
    esac
}
