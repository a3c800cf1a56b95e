//! What the doctor asks about units, and what it makes of it.

use crate::domain::{
    doctor::answers::{AboutService, Answers},
    inventory::Service,
    message::{code, escape},
    runtime::{Doctor, RuntimeCheck},
    shell,
};

use super::journal::CLOSED;

/// See the module.
#[derive(Debug)]
pub(super) struct SystemdDoctor;

/// What is asked of a login. Without polkit, systemd listens to root alone.
const ASK_LOGIN: &str = "\
v=$(limited 15 systemctl --version 2>&1 | head -n 1)
say systemd - $? \"$v\"
v=$(limited 15 journalctl --no-pager -n 0 2>&1 >/dev/null)
say journal - $? \"$v\"
[ \"$(id -u)\" = 0 ] || limited 15 pkcheck --action-id org.freedesktop.systemd1.manage-units --process $$ >/dev/null 2>&1
say manage - $?
";

impl Doctor for SystemdDoctor {
    fn functions(&self) -> &'static str {
        "unit() { # <number> <unit>\n\
         \tv=$(limited 15 systemctl show -p LoadState --value -- \"$2\" 2>&1)\n\
         \tsay unit \"$1\" $? \"$v\"\n\
         }"
    }

    fn ask_login(&self, _: &[&Service]) -> String {
        ASK_LOGIN.to_owned()
    }

    fn ask_directory(&self, _: usize, _: &Service) -> String {
        String::new()
    }

    fn ask_service(&self, number: usize, service: &Service) -> String {
        format!("unit {number} {}", shell::quote(service.workload.name()))
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
        // One polkit rule may allow one unit, which only root can ask about.
        found.extend(answers.own("manage").filter(|answer| !answer.is_good()).map(|_| {
            RuntimeCheck::doubtful(
                "rights",
                "this login may not restart units, unless a polkit rule allows it for some",
                "set `run_as = \"root\"` if the room is to restart, start and stop them",
            )
        }));
        found
    }

    fn read_service(&self, asked: &AboutService<'_, '_>, service: &Service) -> Vec<RuntimeCheck> {
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
