# The images of all its services anew from their registry, by digest: each node
# then runs the same.

phase preflight
[ -z "$was_good" ] || keep "$before_plan"
phase pull
registry=--with-registry-auth
plan=
for one in $found; do
    go_on
    whole=$(image_of "$one")
    image=${whole%@sha256:*}
    # What is named by its digest alone has nothing newer.
    case ${image##*/}/$whole in
    *:*/*) ;;
    *@sha256:*)
        plan="$plan$one $whole
"
        continue
        ;;
    esac
    said=$(docker pull "$image" 2>&1) || {
        code=$?
        printf '%s\n' "$said"
        give_up $code
    }
    digest=$(printf '%s\n' "$said" | sed -n 's/^Digest: //p' | tail -n 1)
    [ -n "$digest" ] || { echo "$image has no digest: it comes from no registry"; give_up 1; }
    plan="$plan$one $image@$digest
"
done
plan=$(printf %s "$plan")
new=$(printf '%s\n' "$plan" | cut -d' ' -f2)
say version "$(short "$old")" "$(short "$new")"
if [ "$new" = "$old" ] && [ -n "$was_good" ]; then
    finish
    exit
fi
switch "$plan"
