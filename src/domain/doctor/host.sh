# What `doctor` does on a host, and it changes nothing there. Each answer is one
# line: `::doctor <question> <service's number, or -> <status> <text>`.

LC_ALL=C GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0
export LC_ALL GIT_TERMINAL_PROMPT GIT_OPTIONAL_LOCKS
# Nobody is there to answer a question.
exec </dev/null

say() {
	printf '::doctor %s %s %s %s\n' "$1" "$2" "$3" "$(shift 3; printf '%s' "$*" | tr '\n\r\t' '   ' | cut -c 1-800)"
}

# limited <seconds> <command…>: status 124 when it takes longer. A host without
# timeout(1) is left to the limit of the whole.
if timeout 5 true 2>/dev/null; then
	limited() { timeout "$@"; }
else
	limited() { shift; "$@"; }
fi

room_on() { df -Pk "$1" 2>/dev/null | tail -n 1; }

login() {
	say login - 0 "$(id -un)"
	command -v setsid >/dev/null
	say setsid - $?
	jobs=${XDG_STATE_HOME:-$HOME/.local/state}/opsroom/jobs
	at=$jobs
	while [ -n "$at" ] && [ ! -e "$at" ]; do at=${at%/*}; done
	[ -d "${at:-/}" ] && [ -w "${at:-/}" ] && [ -x "${at:-/}" ]
	say jobs - $? "$jobs"
}

git_itself() {
	v=$(git --version 2>&1)
	say git - $? "$v"
}

enter() { # <number> <directory>
	if ! e=$(cd "$2" 2>&1); then
		say dir "$1" 1 "$e"
		return 1
	fi
	cd "$2" || return 1
	say dir "$1" 0
	say disk "$1" 0 "$(room_on .)"
}

clone() { # <number> <branch>
	i=$1 branch=$2
	e=$(git rev-parse --is-inside-work-tree 2>&1)
	c=$?
	say clone "$i" $c "$e"
	[ "$c" = 0 ] || return 1
	[ -w . ] && [ -w "$(git rev-parse --git-dir)" ]
	say writable "$i" $?
	on=$(git symbolic-ref -q --short HEAD)
	say head "$i" $? "$on"
	say changed "$i" $(($(git diff --name-only HEAD 2>/dev/null | wc -l))) "$(git diff --name-only HEAD 2>&1 | head -n 4)"
	if git rev-parse -q --verify "refs/remotes/origin/$branch" >/dev/null; then
		say ahead "$i" "$(git rev-list --count "refs/remotes/origin/$branch..HEAD")"
	fi
	return 0
}

remote() { # <number> <branch>
	i=$1 branch=$2
	url=$(git remote get-url origin 2>&1)
	c=$?
	say origin "$i" $c "$url"
	[ "$c" = 0 ] || return 0
	say refspec "$i" 0 "$(git config --get-all remote.origin.fetch)"
	o=$(
		ssh=$(git config core.sshCommand) || ssh=ssh
		GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-$ssh} -oBatchMode=yes"
		export GIT_SSH_COMMAND
		limited 20 git ls-remote --symref origin HEAD "refs/heads/$branch" 2>&1
	)
	c=$?
	[ "$c" != 0 ] || o=$(printf '%s\n' "$o" | grep 'refs/heads/')
	say remote "$i" $c "$o"
}

# The files that a compose file takes secrets from: `env_file:` in its forms, and
# `file:` below `secrets:`.
named_secrets() {
	for f in compose.yaml compose.yml docker-compose.yaml docker-compose.yml compose.override.yaml \
		compose.override.yml docker-compose.override.yaml docker-compose.override.yml; do
		[ ! -f "$f" ] || cat "$f"
	done | awk '
		function told(v) { gsub(/^[][ "'\'']+|[][ "'\'']+$/, "", v); if (v != "" && v !~ /[$]/) print v }
		{ sub(/[ \t]+#.*$/, ""); sub(/\r$/, ""); depth = match($0, /[^ ]/) }
		depth == 0 || /^ *#/ { next }
		listing && (depth > from || (depth == from && /^ *- /)) {
			v = $0; sub(/^ *(- +)?/, "", v)
			if (v !~ /^(required|format) *:/) { sub(/^path *: */, "", v); told(v) }
			next
		}
		{ listing = 0 }
		depth == 1 { top = $0; sub(/ *:.*/, "", top) }
		/^ +(- +)?env_file *:/ {
			v = $0; sub(/^[^:]*: */, "", v); from = depth
			if (v == "") { listing = 1; next }
			many = split(v, each, ","); for (j = 1; j <= many; j++) told(each[j])
		}
		top == "secrets" && /^ +file *:/ { v = $0; sub(/^[^:]*: */, "", v); told(v) }'
}

# 0: ignored. 1: tracked. 2: tracked, and it has names that secrets have.
# 3: neither. What lies outside of the clone is none of git's business.
secrets() { # <number>
	{ echo .env; named_secrets; } | sort -u | while IFS= read -r f; do
		[ -f "$f" ] || continue
		if git ls-files --error-unmatch -- "$f" >/dev/null 2>&1; then
			c=1
			! grep -qiE '(passw|secret|token|api_?key|private_?key|credential)[a-z0-9_]* *=.*[^ ]' "$f" || c=2
		else
			git check-ignore -q -- "$f" 2>/dev/null
			case $? in 0) c=0 ;; 1) c=3 ;; *) continue ;; esac
		fi
		say secret "$1" "$c" "$f"
	done
	f=$(git grep -lI -e '-----BEGIN .*PRIVATE KEY-----' -- '*.key' '*.pem' '*id_rsa*' '*id_ed25519*' '*id_ecdsa*' 2>/dev/null | head -n 1)
	[ -z "$f" ] || say key "$1" 0 "$f"
}

examine_clone() { # <number> <branch>
	clone "$1" "$2" || return 0
	remote "$1" "$2"
	secrets "$1"
}
