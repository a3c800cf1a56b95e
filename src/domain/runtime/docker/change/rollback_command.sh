# The operator's own way back.

phase preflight
dir=${dir:-$HOME}
check_directory
check_engine
check_disks
remember
# There is no way back from the way back.
rollback=no
switch sh -c "$undo"
say version "$(cat "$job/version")" "$(version_now)"
