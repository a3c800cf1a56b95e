# command: the operator's own script does it.

phase preflight
dir=${dir:-$HOME}
check_directory
check_engine
check_disks
remember
old=

# Not `critical`: what it does when it is asked to end is its own affair.
switch sh -c "$deploy"
say version "$(cat "$job/version")" "$(version_now)"
