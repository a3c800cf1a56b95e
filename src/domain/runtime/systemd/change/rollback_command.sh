# The operator's own way back.

phase preflight
dir=${dir:-$HOME}
check_directory
check_space "$PWD"
old=
# There is no way back from the way back.
rollback=no
switch sh -c "$undo"
