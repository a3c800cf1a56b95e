# What a host says of itself, a line each: a name and what it is. It takes no
# privilege, and changes nothing.

say() {
    [ -z "$2" ] || printf '%s %s\n' "$1" "$2"
}

say name "$(uname -n)"
say up "$(cut -d ' ' -f 1 /proc/uptime)"
say load "$(cut -d ' ' -f 1 /proc/loadavg)"
say cpus "$(grep -c '^processor' /proc/cpuinfo)"
awk '/^(MemTotal|MemAvailable|SwapTotal|SwapFree):/ { sub(/:/, "", $1); print $1, $2 }' /proc/meminfo
# The hottest of its sensors, in thousandths of a degree.
say heat "$(cat /sys/class/thermal/thermal_zone*/temp 2>/dev/null | sort -n | tail -n 1)"
say os "$(. /etc/os-release && printf %s "$PRETTY_NAME")"
say kernel "$(uname -r)"
[ ! -e /run/reboot-required ] || say reboot "needed $(sort -u /run/reboot-required.pkgs 2>/dev/null | head -n 5 | tr '\n' ' ')"
# shellcheck disable=SC2086 # directories without spaces
df -P -k $disks | sed 's/^/df /'
