# Versions of services: the images that held, by digest. They are noted at the
# services themselves, where any manager finds them.

kept=opsroom.versions

# The newest last.
versions_of() { # service
    docker service inspect -f "{{index .Spec.Labels \"$kept\"}}" "$1"
}

# A version's short name: of one image its digest, of several what comes of them.
short() { # images, one a line
    case $(printf '%s\n' "$1" | grep -c .) in
    1)
        case $1 in
        *@sha256:*) printf %.12s "${1##*@sha256:}" ;;
        *) printf %s "${1##*/}" | tr -c 'a-zA-Z0-9._:\n-' '_' ;;
        esac
        ;;
    *) printf '%s\n' "$1" | sort | sha256sum | cut -c 1-12 ;;
    esac
}
