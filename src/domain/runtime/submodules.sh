# Submodules, at the commits that the version in the clone names.

update_submodules() { # more arguments for git
    top=$(git rev-parse --show-toplevel) || return
    [ ! -e "$top/.gitmodules" ] || git -C "$top" submodule update --init --recursive ${discard:+--force} "$@"
}
