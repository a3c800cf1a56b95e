# What the engine says of the container now, whole and in parts.
see() {
    seen=$(docker inspect --type container -f "$format" "$container" 2>&1 | tail -n 1)
    id= status= started= restarts= health=
    case $seen in
    "/$container|"* | "$container|"*)
        IFS='|' read -r _name id status started _finished restarts _code _oom health <<END
$seen
END
        ;;
    # The engine also takes the beginning of an ID for a name: that is another container.
    *'|'*) seen="Error: No such object: $container" ;;
    esac
}
