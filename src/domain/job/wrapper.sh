# Around the job's script: outlives whatever ends it, keeps its time limit, and
# writes down how it ended.
trap : TERM INT HUP
# Not without its number written down, and not when somebody has been told that
# it did not begin.
echo $$ >pid.tmp && [ -s pid.tmp ] && born $$ >born && mkdir begun && mv pid.tmp pid || exit
# Our own files are nobody's business; what it checks out and builds is as
# readable as if the login had done it by hand.
(umask "$u" && unset u && exec sh ./script) >>log 2>&1 </dev/null &
s=$!
(
    trap 'kill $z; exit' TERM
    sleep "$limit" &
    z=$!
    wait $z
    printf '\n%soverdue\n' "$mark" >>log
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
kill $w 2>/dev/null
echo $c >result.tmp
mv result.tmp result
printf '\n%send %s\n' "$mark" $c >>log
