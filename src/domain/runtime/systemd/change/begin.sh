# What every change of a unit begins with: nobody else changes it meanwhile, and
# what it is like is told.

# By the name that the unit has itself: it may be known by others. No container
# is called like that. A login's own is nobody else's.
take_locks() {
    see
    slot=unit:${id:-$unit}
    [ "$manager" != user ] || slot=user:${id:-$unit}
    kept=$state/services/$slot
    lock=$state/locks/$slot
    mkdir -p "$state/locks" "$kept" || refuse no-state "$state"
    take_lock "$lock"
    [ "$manager" != user ] || slot=$(id -u)-$slot
    take_shared_lock 8 "$(shared_place "$slot")"
    case $change/$strategy in
    update/git | rollback/git)
        dir_lock=$state/locks/@$(printf %s "$dir" | cksum | cut -d' ' -f1)
        take_lock "$dir_lock" && take_shared_lock 9 "$dir"
        ;;
    esac
}

take_locks
see
say before "$seen"
was=$active entered_before=$entered
was_good=
case $active/$sub in active/*) was_good=yes ;; esac
# What does one thing and ends is well when that went well.
case $type/$active/$result in oneshot/inactive/success) was_good=yes ;; esac
if [ "$load" = not-found ]; then
    echo "There is no unit $unit."
    finish
    exit 5
fi
