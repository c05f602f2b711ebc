# Runs the server given as arguments until it ends, or until standard input does.
#
# Standard input is a pipe that only the starting process holds: when that process
# ends, however it ends, the pipe closes and the server gets a fast shutdown. A
# line on the pipe is the name of a signal to pass on. Signals meant for the
# whole group are left to the starting process.
trap : HUP INT TERM
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
(
    while read -r signal <&3; do kill -s "$signal" "$server"; done
    # Once more each second: the first may come before the server listens to it.
    while kill -s INT "$server" 2>/dev/null; do sleep 1; done
) &
watcher=$!
wait "$server"
code=$?
while kill -0 "$server" 2>/dev/null; do
    wait "$server"
    code=$?
done
kill "$watcher" 2>/dev/null
# A server that failed keeps its folder: the log in it says why.
if [ "$code" -eq 0 ] && [ -n "${TOCSIN_THROW_AWAY:-}" ]; then rm -rf "$TOCSIN_THROW_AWAY"; fi
exit "$code"
