# Keeps the job's log bounded: standard input goes into it, and it only grows, so
# that an offset in it stays true. When $log_begin is full, what comes is held
# back, and only the end of that is written, before each mark and at the end.
# Marks are written whatever happens.
log_begin=106496 # 52 MiB in the blocks that find(1) counts
log_most=129024  # 63 MiB: then nothing but marks
held_most=1048576 held_kept=262144

keep_log() {
    # It has to outlive those who write.
    trap '' TERM INT HUP
    while pass_on 64 3>>log; do
        [ -z "$(find log -size +$log_begin)" ] || keep_marks
    done
    rm -f pipe
}

# What is left of the input, when the beginning is full.
keep_marks() {
    # The last line may be the beginning of a mark, whose end comes next.
    : >held
    skip=0 dropped=0 told=
    if [ -n "$(tail -c 1 log)" ]; then
        tail -c 4096 log | tail -n 1 >held
        skip=$(($(wc -c <held)))
    fi
    while pass_on 1 3>piece; do
        cat piece >>held
        size=$(($(wc -c <held)))
        # What came now, and the beginning of a mark that came before.
        if tail -c 69632 held | grep -qF "$mark"; then
            write_held
        elif [ $size -gt $held_most ]; then
            dropped=$((dropped + size - held_kept - skip))
            skip=0
            tail -c $held_kept held >held.new
            mv held.new held
        fi
    done
    if [ -s held ]; then
        echo >>held
        write_held
    fi
    rm -f held piece
}

# Passes on so many reads at most, each as soon as it comes. Fails at the end of
# the input. What a full disk does not take is lost: whoever writes must not wait.
pass_on() { # how many
    said=$(LC_ALL=C dd bs=65536 count="$1" 2>&1 >&3) || said=$(LC_ALL=C dd bs=65536 count="$1" 2>&1 >/dev/null)
    # Of all it says, `<whole>+<partial> records in`.
    said=${said%% records in*}
    said=${said##*[!0-9+]}
    case $said in
    # Dash does no sum that is inside a variable.
    [0-9]*+[0-9]*) [ $(($said)) -gt 0 ] ;;
    # No dd at all.
    *) cat >>log; false ;;
    esac
}

# Writes what is held back into the log, up to the last whole line.
write_held() {
    rest=0
    [ -z "$(tail -c 1 held)" ] || rest=$(($(tail -n 1 held | wc -c)))
    whole=$(($(wc -c <held) - rest))
    [ $whole -gt $skip ] || return
    if [ -z "$(find log -size +$log_most)" ]; then
        [ $dropped -eq 0 ] || tell_cut
        tail -c +$((skip + 1)) held | head -c $((whole - skip)) >>log
    else
        dropped=$((dropped + whole))
        head -c $whole held | grep "^$mark" >>log
    fi
    skip=0
    tail -c +$((whole + 1)) held >held.new
    mv held.new held
}

tell_cut() {
    [ -n "$told" ] || printf '\n%snote log-cut\n' "$mark" >>log
    told=yes
    printf '\n[opsroom: %s bytes of output are cut out here]\n' $dropped >>log
    dropped=0
}
