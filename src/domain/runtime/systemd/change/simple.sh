# Restart, start or stop of a unit.

checked_before=$checked
switched_at=$(date +%s)
phase switch
manage "$change" "$unit" || {
    code=$?
    last_words
    see
    # What was tried anew and has failed says how. Of a refusal a unit knows nothing.
    if [ "$active" = failed ] && [ "$checked" != "$checked_before" ]; then
        say trouble died
        tell_death
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
