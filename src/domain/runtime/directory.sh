# Whether the directory that is deployed can be: it is there, has space, and is a
# clone without changes of its own.
#
# Given by the header: dir branch min_free discard preview; the lock's part gives
# me, and who keeps the versions gives kept.

first_line() {
    printf %s "$1" | head -n 1
}

check_directory() {
    [ -e "$dir" ] || refuse no-directory
    cd "$dir" 2>/dev/null || refuse no-entry "$(id -un)"
}

# $min_free MiB at each of these.
check_space() { # places
    for place; do
        free=$(df -Pk "$place" 2>/dev/null | { read -r _; read -r _ _ _ k _; echo "$k"; })
        case $free in '' | *[!0-9]*) continue ;; esac
        free=$((free / 1024))
        [ $free -ge "$min_free" ] || refuse disk $free "$min_free" "$place"
    done
}

# Whether any git runs on this machine.
git_runs() {
    for comm in /proc/[0-9]*/comm; do
        { read -r name <"$comm"; } 2>/dev/null && [ "$name" = git ] && return
    done
    return 1
}

# A git that was killed leaves its lock behind, and every later one stops at it.
# It goes only when no git runs that could have made it.
clear_index_lock() {
    held=$(git rev-parse --git-path index.lock) && [ -e "$held" ] || return 0
    if git_runs; then
        sleep 2
        [ -e "$held" ] || return 0
        ! git_runs || refuse index-lock "$(cd "$(dirname "$held")" && pwd)/index.lock"
    fi
    rm -f "$held"
    say note index-lock-removed
}

# The first of the paths on standard input that this login cannot write.
first_unwritable() {
    while IFS= read -r place; do
        [ ! -e "$place" ] || [ -w "$place" ] || { printf '%s\n' "$place"; return; }
    done
}

# Where git is going to write. Where it trusts every directory, it says only
# half-way that it cannot. Other directories in the clone may be anybody's: a
# database keeps its data there.
check_writable() {
    top=$(git rev-parse --show-toplevel) && common=$(git rev-parse --git-common-dir) && common=$(cd "$common" && pwd) ||
        refuse git 'the clone cannot be read'
    [ -w "$top" ] || refuse not-writable "$(id -un)" "$top"
    inside=$({
        find "$common" -type d ! -name hooks ! -name branches
        # These are not replaced, but written in place.
        find "$common/logs" "$common/FETCH_HEAD" -type f
    } 2>/dev/null | first_unwritable)
    [ -z "$inside" ] || refuse not-writable "$(id -un)" "$common"
    place=$(cd "$top" && git -c core.quotePath=false ls-files | sed -n 's|/[^/]*$||p' | sort -u | first_unwritable)
    [ -z "$place" ] || refuse not-writable "$(id -un)" "$top/$place"
}

check_clone() {
    complaint=$(git rev-parse --is-inside-work-tree 2>&1) || case $complaint in
    *'dubious ownership'*) refuse dubious-ownership "$(id -un)" ;;
    *'ot a git repository'*) refuse no-clone ;;
    *) refuse git "$(first_line "$complaint")" ;;
    esac
    check_writable
    clear_index_lock
    on=$(git symbolic-ref -q --short HEAD)
    [ -z "$on" ] || [ "$on" = "$branch" ] || refuse other-branch "$on"
    changed=$(git diff --name-only HEAD 2>&1) || refuse git "$(first_line "$changed")"
    if [ -n "$changed" ]; then
        count=$(printf '%s\n' "$changed" | wc -l)
        [ -n "$discard" ] || refuse dirty $((count)) "$(printf '%s\n' "$changed" | head -n 3 | tr '\n' ' ')"
        if [ -z "$preview" ]; then
            git diff --binary --submodule=diff HEAD >"$kept/discarded-$me.patch" || refuse git 'the local changes could not be saved'
            say note discarded "$kept/discarded-$me.patch"
        fi
    fi
    git rev-parse -q --verify HEAD >/dev/null || refuse git 'the clone has no commit checked out'
    if [ -e .env ] && ! git check-ignore -q .env && ! git ls-files --error-unmatch .env >/dev/null 2>&1; then
        say note not-ignored .env
    fi
}
