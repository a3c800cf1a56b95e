# Around the job's script: outlives whatever ends it, keeps its time limit, and
# writes down how it ended.
trap : TERM INT HUP
# Not without its number written down, and not when somebody has been told that
# it did not begin.
echo $$ >pid.tmp && [ -s pid.tmp ] && born $$ >born && mkdir begun && mv pid.tmp pid || exit
# Our own files are nobody's business; what it checks out and builds is as
# readable as if the login had done it by hand.
if mkfifo pipe; then
    exec 5<>pipe 6>pipe
    # Not as redirections of the function: the shell would keep a copy of what it
    # has to put back, and with that end of the pipe open it would never end.
    (exec <pipe 5<&- 6<&- >/dev/null 2>&1 && keep_log) &
    l=$!
    exec 5<&-
else
    exec 6>>log
fi
(umask "$u" && unset u && exec sh ./script) >&6 2>&1 6<&- </dev/null &
s=$!
(
    # The script may end before this has begun: a signal that the shell above has
    # no trap for ends this even then, and one trapped there would be lost.
    z= over=
    trap 'over=yes; [ -z "$z" ] || kill $z' USR1
    sleep "$limit" 6<&- &
    z=$!
    [ -z "$over" ] || kill $z
    wait $z
    [ -z "$over" ] || exit
    printf '\n%soverdue\n' "$mark" >&6
    kill -TERM -$$
) </dev/null >/dev/null 2>&1 &
w=$!
wait $s
c=$?
while [ $c -gt 128 ] && kill -0 $s 2>/dev/null; do
    wait $s
    c=$?
done
# Told to end in the moment in which it ended by itself: how, is still to be had.
[ $c -le 128 ] || { wait $s; again=$?; [ $again -eq 127 ] || c=$again; } 2>/dev/null
kill -USR1 $w 2>/dev/null
echo $c >result.tmp
mv result.tmp result
# Behind all that was printed; or past it, where nobody writes that down any more.
trap '' PIPE
printf '\n%send %s\n' "$mark" $c >&6 || printf '\n%send %s\n' "$mark" $c >>log
exec 6<&-
# What the job has left running may still print. Whoever looks for this process
# finds it until the end is in the log.
i=0
until tail -c 65536 log | grep -q "^${mark}end " || [ $i -ge 100 ] || ! kill -0 "$l"; do
    sleep 0.05 2>/dev/null || sleep 1
    i=$((i + 1))
done
