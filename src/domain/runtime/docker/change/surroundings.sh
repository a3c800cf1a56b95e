# Messages that can be read here, and nobody to answer a question.
#
# Given by the header: service container whole member slot change owner dir
# branch strategy verify healthy_within rollback min_free stop_timeout discard
# wanted deploy undo preview format. `whole` is a project's name, and empty
# where the service is one container.

export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 BUILDKIT_PROGRESS=plain
: "${GIT_SSH_COMMAND:=ssh -o BatchMode=yes}"
export GIT_SSH_COMMAND
# What the containers of a project are to the service: its own, or others'.
relation=neighbour
[ -z "$whole" ] || relation=member
# Whatever the file or its directory is called. A script of the operator's own may
# use Compose for something else.
case $change/$strategy in
update/command | rollback/command) ;;
*) [ -z "$whole" ] || export COMPOSE_PROJECT_NAME="$whole" ;;
esac
