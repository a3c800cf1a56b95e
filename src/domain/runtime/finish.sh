# How a change ends. `see` leaves what is there in $seen.

# Hundredths of a second, by a clock that nobody sets.
clock() {
    read -r up _ </proc/uptime
    echo "${up%.*}${up#*.}"
}

finish() {
    see
    tell_end "$seen"
}

# Of what held, the look that said so is told: what comes later is the watcher's to tell, and the change is judged by
# this one.
finish_verified() {
    tell_end "$verified"
}

tell_end() { # what was seen
    say after "$1"
    say "done" "$(date +%s)"
}
