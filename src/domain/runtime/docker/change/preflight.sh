# Whether the change can work at all, before anything is touched.

check_engine() {
    complaint=$(docker version -f '{{.Server.Version}}' 2>&1 >/dev/null) || refuse engine "$(first_line "$complaint")"
    [ "$strategy" = command ] || docker compose version >/dev/null 2>&1 || refuse no-compose
}

# Where the files are and where the engine keeps its images.
check_disks() {
    check_space "$PWD" "$(docker info -f '{{.DockerRootDir}}' 2>/dev/null)"
}
