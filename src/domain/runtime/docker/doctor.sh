# What `doctor` asks of Docker and Compose. They are asked only where the engine
# answers: $docker is its status.

docker_engine() {
	if ! command -v docker >/dev/null; then
		say docker - 127
		return 1
	fi
	v=$(limited 15 docker version -f '{{.Server.Version}}' 2>&1)
	c=$?
	say docker - $c "$v"
	if [ "$c" != 0 ]; then
		# Those it has from the next login on, which may be more than now.
		say groups - 0 "$(id -nG "$(id -un)")"
		say socket - 0 "$(stat -L -c %G /var/run/docker.sock 2>/dev/null)"
		return 1
	fi
	at=$(limited 15 docker info -f '{{.DockerRootDir}}' 2>/dev/null)
	[ -z "$at" ] || say disk - 0 "$(room_on "$at")"
}

compose_itself() {
	v=$(limited 15 docker compose version --short 2>&1)
	say compose - $? "$v"
}

compose_file() { # <number>
	[ "$docker" = 0 ] || return 0
	all=$(limited 20 docker compose config 2>&1)
	c=$?
	if [ "$c" != 0 ]; then
		say file "$1" $c "$all"
		return
	fi
	# Of the config itself only names leave the host: the rest holds secrets.
	say file "$1" 0 "$(printf '%s\n' "$all" | sed -n 's/^time=.*level=warning msg=//p' | grep -v 'is obsolete' | head -n 2)"
	say project "$1" 0 "$(printf '%s\n' "$all" | sed -n 's/^name: //p' | head -n 1)"
	say makes "$1" 0 "$(printf '%s\n' "$all" | sed -n 's/^    container_name: //p')"
	say services "$1" 0 "$(printf '%s\n' "$all" |
		awk '/^[^ ]/ { here = $0 == "services:" } here && /^  [a-zA-Z0-9._-]+:$/ { gsub(/[ :]/, ""); print }')"
}

container() { # <number> <name>
	[ "$docker" = 0 ] || return 0
	label='{{index .Config.Labels "com.docker.compose.project"}}'
	o=$(limited 15 docker inspect --type container -f "{{.State.Status}}|$label" "$2" 2>&1)
	c=$?
	say container "$1" $c "$o"
	[ "$c" = 0 ] || say others "$1" 0 "$(limited 15 docker ps -a --format '{{.Names}}' 2>/dev/null)"
}

project() { # <number> <name>
	[ "$docker" = 0 ] || return 0
	o=$(limited 15 docker ps -a --no-trunc --filter "label=com.docker.compose.project=$2" --format '{{.State}}' 2>&1)
	say members "$1" $? "$(printf '%s\n' "$o" | awk 'NF { n[$0]++ } END { for (s in n) print n[s], s }' | sort)"
	say projects "$1" 0 "$(limited 15 docker ps -a --format '{{.Label "com.docker.compose.project"}}' 2>/dev/null | sort -u | grep .)"
}

# Versions that a roll-back could go to, and whose kept images are gone.
kept() { # <number> <container> <strategy>
	[ "$docker" = 0 ] || return 0
	of=${jobs%/jobs}/services/$2/versions
	[ "$3" != command ] && [ -r "$of" ] || return 0
	gone=
	while read -r _ version images; do
		# shellcheck disable=SC2046 # IDs, one word each
		limited 15 docker image inspect -f . $(printf '%s\n' "$images" | tr , '\n' | sed 's/.*=//') >/dev/null 2>&1 </dev/null ||
			gone="$gone $(printf %.12s "$version")"
	done <"$of"
	[ -z "$gone" ] || say kept "$1" "$([ "$3" = compose-git ]; echo $?)" "$gone"
}
