# command: the operator's own script does it, the restart included if it takes one.

phase preflight
dir=${dir:-$HOME}
check_directory
check_space "$PWD"
old=
# Not `critical`: what it does when it is asked to end is its own affair.
switch sh -c "$deploy"
