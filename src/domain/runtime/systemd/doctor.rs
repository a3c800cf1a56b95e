//! What the doctor asks about units, and what it makes of it.

use crate::domain::{
    doctor::answers::{AboutService, Answers},
    inventory::Service,
    message::{code, escape},
    runtime::{Doctor, RuntimeCheck},
    shell,
};

use super::{Manager, journal::CLOSED, show::unit};

/// See the module.
#[derive(Debug)]
pub(super) struct SystemdDoctor;

/// What is asked of a login.
const ASK_LOGIN: &str = "\
v=$(limited 15 systemctl --version 2>&1 | head -n 1)
say systemd - $? \"$v\"
v=$(limited 15 journalctl --no-pager -n 0 2>&1 >/dev/null)
say journal - $? \"$v\"
";

/// What is asked of a login that has units of its own: whether they outlive its
/// sessions (loginctl(1), `enable-linger`).
const ASK_LINGER: &str = "\
v=$(limited 15 loginctl show-user -p Linger --value -- \"$(id -un)\" 2>/dev/null)
say linger - 0 \"${v:-no}\"
";

/// Whether it may be changed, the way a change would ask, and the rule that would
/// allow it (sudoers(5)). Without polkit, systemd listens to root alone.
const FUNCTIONS: &str = "\
unit() { # <number> <manager> <unit>
	if [ \"$2\" = user ]; then
		export XDG_RUNTIME_DIR=\"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}\"
		v=$(limited 15 systemctl --user show -p LoadState --value -- \"$3\" 2>&1)
		say unit \"$1\" $? \"$v\"
		return
	fi
	v=$(limited 15 systemctl show -p LoadState --value -- \"$3\" 2>&1)
	say unit \"$1\" $? \"$v\"
	[ \"$(id -u)\" != 0 ] || return
	limited 15 sudo -n -l systemctl restart \"$3\" >/dev/null 2>&1 ||
		limited 15 pkcheck --action-id org.freedesktop.systemd1.manage-units --process $$ >/dev/null 2>&1
	r=$?
	p=$(command -v systemctl)
	n=$(printf %s \"$3\" | sed 's/[,:=\\\\]/\\\\&/g')
	say right \"$1\" $r \"$(id -un) ALL=(root) NOPASSWD: $p restart $n, $p start $n, $p stop $n\"
}";

impl Doctor for SystemdDoctor {
    fn functions(&self) -> &'static str {
        FUNCTIONS
    }

    fn ask_login(&self, services: &[&Service]) -> String {
        let of_user = services.iter().filter_map(|service| unit(service)).any(|unit| unit.manager == Manager::User);
        format!("{ASK_LOGIN}{}", if of_user { ASK_LINGER } else { "" })
    }

    fn ask_service(&self, number: usize, service: &Service) -> String {
        let manager = match unit(service).map(|unit| unit.manager) {
            Some(Manager::User) => "user",
            Some(Manager::System) | None => "system",
        };
        format!("unit {number} {manager} {}", shell::quote(service.workload.name()))
    }

    fn read_login(&self, answers: &Answers<'_>) -> Vec<RuntimeCheck> {
        let Some(version) = answers.own("systemd") else { return Vec::new() };
        if !version.value().starts_with("systemd ") {
            return vec![RuntimeCheck::wrong(
                "systemd",
                format!("there is no systemctl: {}", code(&version.words())),
                "correct `runtime` in the config",
            )];
        }
        let mut found = vec![RuntimeCheck::fine("systemd", escape(&version.words()))];
        found.extend(
            answers.own("journal").filter(|answer| CLOSED.iter().any(|said| answer.value().contains(said))).map(|_| {
                RuntimeCheck::wrong(
                    "journal",
                    "this login may not read it, so `!logs` has nothing to show",
                    "add the login to the group `systemd-journal` as root: it counts from the next login",
                )
            }),
        );
        found.extend(answers.own("linger").filter(|answer| answer.value() != "yes").map(|_| {
            RuntimeCheck::wrong(
                "linger",
                "this login's units end with its last session, and do not start with the machine",
                code("loginctl enable-linger <login>"),
            )
        }));
        found
    }

    fn read_service(&self, asked: &AboutService<'_, '_>, service: &Service) -> Vec<RuntimeCheck> {
        let mut found = self.loaded(asked, service);
        found.extend(asked.get("right").filter(|answer| !answer.is_good()).map(|answer| {
            // A rule of polkit's may allow it, which only root can look up.
            RuntimeCheck::doubtful(
                "rights",
                "this login may not restart, start or stop it, unless a polkit rule allows that",
                format!("put this line into {}: {}", code("/etc/sudoers.d/opsroom"), code(&answer.words())),
            )
        }));
        found
    }
}

impl SystemdDoctor {
    fn loaded(&self, asked: &AboutService<'_, '_>, service: &Service) -> Vec<RuntimeCheck> {
        let Some(answer) = asked.get("unit") else { return Vec::new() };
        let unit = code(service.workload.name());
        vec![match answer.value() {
            "loaded" => RuntimeCheck::fine("unit", format!("{unit} is loaded")),
            "not-found" => RuntimeCheck::wrong(
                "unit",
                format!("there is no {unit}"),
                "install what brings it, or correct `unit` in the config",
            ),
            "masked" => RuntimeCheck::wrong(
                "unit",
                format!("{unit} is masked, so it cannot be started"),
                code(&format!("systemctl unmask {}", service.workload.name())),
            ),
            _other => RuntimeCheck::wrong(
                "unit",
                format!("systemctl does not say how {unit} is: {}", code(&answer.words())),
                format!("run {} there as that login", code(&format!("systemctl status {}", service.workload.name()))),
            ),
        }]
    }
}
