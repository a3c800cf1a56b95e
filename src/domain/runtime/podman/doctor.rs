//! What the doctor asks about Podman, and what it makes of it.

use crate::domain::{
    doctor::answers::{AboutService, Answers},
    inventory::Service,
    message::{code, escape},
    runtime::{Doctor, RuntimeCheck},
    shell,
};

/// The first version whose restart counts and health are as they are read here.
const LEAST: u32 = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct PodmanDoctor;

/// What is asked of a login. Without linger, a login's containers end with its
/// last session (loginctl(1)).
const ASK_LOGIN: &str = "\
export PODMAN_IGNORE_CGROUPSV1_WARNING=1
[ \"$(id -u)\" = 0 ] || export XDG_RUNTIME_DIR=\"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}\"
v=$(limited 15 podman version -f '{{.Client.Version}}' 2>&1)
say podman - $? \"$v\"
v=$(limited 15 podman info -f '{{.Store.GraphRoot}}' 2>&1)
say podman-info - $? \"$v\"
if [ \"$(id -u)\" != 0 ]; then
	v=$(limited 15 loginctl show-user -p Linger --value -- \"$(id -un)\" 2>/dev/null)
	say podman-linger - 0 \"${v:-no}\"
fi
";

impl Doctor for PodmanDoctor {
    fn ask_login(&self, _: &[&Service]) -> String {
        ASK_LOGIN.to_owned()
    }

    fn ask_service(&self, number: usize, service: &Service) -> String {
        let name = shell::quote(service.workload.name());
        format!(
            "v=$(limited 15 podman inspect --type container -f '{{{{.State.Status}}}}' {name} 2>&1); say podman-container {number} $? \"$v\""
        )
    }

    fn read_login(&self, answers: &Answers<'_>) -> Vec<RuntimeCheck> {
        let Some(version) = answers.own("podman") else { return Vec::new() };
        if !version.is_good() {
            return vec![RuntimeCheck::wrong(
                "podman",
                format!("there is no podman: {}", code(&version.words())),
                "install it, or correct `runtime` in the config",
            )];
        }
        let said = version.words();
        let major = said.split('.').next().and_then(|major| major.parse::<u32>().ok());
        let mut found = vec![match major {
            Some(major) if major >= LEAST => RuntimeCheck::fine("podman", format!("version {}", escape(&said))),
            Some(_) | None => RuntimeCheck::wrong(
                "podman",
                format!("its version is {}, and {LEAST} or later is needed", escape(&said)),
                "upgrade it",
            ),
        }];
        found.extend(answers.own("podman-info").filter(|answer| !answer.is_good()).map(|answer| {
            RuntimeCheck::wrong(
                "podman",
                format!("it does not work for this login: {}", code(&answer.words())),
                format!("run {} there as that login", code("podman info")),
            )
        }));
        found.extend(answers.own("podman-linger").filter(|answer| answer.value() != "yes").map(|_| {
            RuntimeCheck::wrong(
                "linger",
                "this login's containers end with its last session, and do not start with the machine",
                code("loginctl enable-linger <login>"),
            )
        }));
        found
    }

    fn read_service(&self, asked: &AboutService<'_, '_>, service: &Service) -> Vec<RuntimeCheck> {
        let Some(answer) = asked.get("podman-container") else { return Vec::new() };
        let name = code(service.workload.name());
        vec![if answer.is_good() {
            RuntimeCheck::fine("container", format!("{name} is {}", escape(&answer.words())))
        } else {
            RuntimeCheck::wrong(
                "container",
                format!("there is no {name} of this login: {}", code(&answer.words())),
                "create it, set `run_as` to the login that has it, or correct `container` in the config",
            )
        }]
    }
}
