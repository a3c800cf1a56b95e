# Restart, start or stop of a unit.

checked_before=$checked
switched_at=$(date +%s)
phase switch
manage "$change" "$unit" || {
    code=$?
    last_words
    see
    # Of what was tried anew and has failed, the look below says how. Of a refusal a unit knows nothing.
    if [ "$checked" != "$checked_before" ]; then
        case $active/$sub in failed/* | */*auto-restart*) say trouble died ;; esac
    fi
    finish
    exit $code
}
if [ "$change" != stop ]; then
    phase verify
    hold_still || {
        say trouble "$trouble"
        finish
        exit 1
    }
    measure
    finish_verified
else
    finish
fi
