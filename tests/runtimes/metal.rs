//! A machine with a systemd of its own, and units on it.

use opsroom_lab::{
    Host, Lab,
    bot::BotPlan,
    machine::{OPS, User},
};

use crate::stage::Stage;

/// The suite whose software most machines have.
pub(crate) const SUITE: &str = "bookworm";

/// A room, a person, and a machine of that suite.
pub(crate) fn stage_on(suite: &str) -> Stage {
    Stage::on(|lab: &Lab| lab.plan_host("metal").debian(suite).boot())
}

/// A service that runs on and prints, until it is told otherwise: at SIGUSR1 it ends with the status in `/run/exit-code`.
pub(crate) const RUNS: &str = "[Service]\nExecStart=/bin/sh -c 'echo hello; trap \"exit $(cat /run/exit-code)\" USR1; while :; do sleep 1000 & wait $!; done'\n\
     KillMode=control-group\n";

/// Writes a unit of the system.
pub(crate) fn unit(host: &Host, name: &str, text: &str) {
    let reload = "systemctl daemon-reload";
    host.run_as_root(&format!("cat >/etc/systemd/system/{name} <<'END'\n{text}END\n{reload}"));
}

/// Runs a script as a user who has a manager of his own.
pub(crate) fn as_user(host: &Host, user: &User, script: &str) -> String {
    host.run_as(user, &format!("export XDG_RUNTIME_DIR=/run/user/{}; {script}", user.uid))
}

/// Gives the login a manager of its own that needs no session.
pub(crate) fn linger(host: &Host) {
    host.run_as_root(&format!("loginctl enable-linger {0}; systemctl start user@{1}", OPS.name, OPS.uid));
}

/// Writes a unit of the login.
pub(crate) fn user_unit(host: &Host, name: &str, text: &str) {
    let dir = "~/.config/systemd/user";
    let script = format!("mkdir -p {dir}; cat >{dir}/{name} <<'END'\n{text}END\nsystemctl --user daemon-reload");
    as_user(host, &OPS, &script);
}

/// The login may do with units what an administrator allowed with this line.
pub(crate) fn sudoers(host: &Host, rule: &str) {
    host.run_as_root(&format!(
        "echo '{rule}' >/etc/sudoers.d/opsroom; chmod 440 /etc/sudoers.d/opsroom; visudo -c >/dev/null"
    ));
}

/// The line that allows what is done with these units.
pub(crate) fn rule(units: &[&str]) -> String {
    let verbs = ["restart", "start", "stop"];
    let all = units.iter().flat_map(|unit| verbs.map(|verb| format!("/usr/bin/systemctl {verb} {unit}")));
    format!("ops ALL=(root) NOPASSWD: {}", all.collect::<Vec<_>>().join(", "))
}

/// Reads the journal from its next login on.
pub(crate) fn reads_the_journal(host: &Host) {
    host.run_as_root("usermod -aG systemd-journal ops");
}

/// Knows a unit as a service, with more lines of TOML for it.
pub(crate) fn with_unit(plan: BotPlan, host: &Host, name: &str, unit: &str, lines: &str) -> BotPlan {
    plan.host(host).config(&format!(
        "[[service]]\nname = {name:?}\nhost = {:?}\nruntime = \"systemd\"\nunit = {unit:?}\n{lines}\n",
        host.name()
    ))
}

/// How a unit is, as its systemd says it.
pub(crate) fn active(host: &Host, unit: &str) -> String {
    host.run_as_root(&format!("systemctl is-active {unit} || true"))
}

/// The process of a unit.
pub(crate) fn main_pid(host: &Host, unit: &str) -> String {
    host.run_as_root(&format!("systemctl show -p MainPID --value {unit}"))
}
