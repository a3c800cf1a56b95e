# Messages that can be read here, and nobody to answer a question.
#
# Given by the header: service container change owner dir branch strategy verify
# healthy_within rollback min_free stop_timeout discard wanted deploy undo
# preview format

export LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 BUILDKIT_PROGRESS=plain
: "${GIT_SSH_COMMAND:=ssh -o BatchMode=yes}"
export GIT_SSH_COMMAND
