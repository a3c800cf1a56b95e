# Restart, start or stop of a unit.

switched_at=$(date +%s)
phase switch
manage "$change" "$unit" || {
    code=$?
    last_words
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
