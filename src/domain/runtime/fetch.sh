# What is new at the remote.

# Gets it and tells it: $new, and the commits since $old, which is checked out.
fetch() {
    # By its name: a branch that is gone there would go on as it was last seen.
    git fetch origin "+refs/heads/$branch:refs/remotes/origin/$branch" || return
    new=$(git rev-parse --verify "refs/remotes/origin/$branch") || return
    check_overwrites
    count=$(git rev-list --count "$old..$new") || return
    git log --format='%h %s' -n 20 "$old..$new" | while read -r line; do say commit "$line"; done
}

# A reset would silently write over files that git does not know yet. It knows
# those that are checked out, also where an earlier job died before its end.
check_overwrites() {
    top=$(git rev-parse --show-toplevel)
    git -c core.quotePath=false diff --no-renames --raw --diff-filter=A HEAD "$new" | while IFS='	' read -r modes file; do
        case $modes in
        # A submodule's directory may be there, empty or from an earlier update.
        ':000000 160000 '*) [ -e "$top/$file/.git" ] || [ -z "$(ls -A "$top/$file" 2>/dev/null)" ] || refuse overwrite "$file" ;;
        *) [ ! -e "$top/$file" ] || refuse overwrite "$file" ;;
        esac
    done || exit
}
