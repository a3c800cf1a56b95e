//! What the doctor asks about units, and what it makes of it.

use crate::domain::{
    doctor::answers::{AboutService, Answers},
    inventory::Service,
    message::{code, escape},
    runtime::{Doctor, RuntimeCheck},
    shell,
};

/// See the module.
#[derive(Debug)]
pub(super) struct SystemdDoctor;

impl Doctor for SystemdDoctor {
    fn functions(&self) -> &'static str {
        "unit() { # <number> <unit>\n\
         \tv=$(limited 15 systemctl show -p LoadState --value -- \"$2\" 2>&1)\n\
         \tsay unit \"$1\" $? \"$v\"\n\
         }"
    }

    fn ask_login(&self, _: &[&Service]) -> String {
        "v=$(limited 15 systemctl --version 2>&1 | head -n 1)\nsay systemd - $? \"$v\"\n".to_owned()
    }

    fn ask_directory(&self, _: usize, _: &Service) -> String {
        String::new()
    }

    fn ask_service(&self, number: usize, service: &Service) -> String {
        format!("unit {number} {}", shell::quote(service.workload.name()))
    }

    fn read_login(&self, answers: &Answers<'_>) -> Vec<RuntimeCheck> {
        let check = |answer: crate::domain::doctor::answers::Answer<'_>| {
            if answer.value().starts_with("systemd ") {
                RuntimeCheck::fine("systemd", escape(&answer.words()))
            } else {
                RuntimeCheck::wrong(
                    "systemd",
                    format!("there is no systemctl: {}", code(&answer.words())),
                    "correct `runtime` in the config",
                )
            }
        };
        answers.own("systemd").map(check).into_iter().collect()
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
