//! What a unit printed: `journalctl`.

use super::{
    show::FIND_USER,
    unit::{Manager, Unit},
};
use crate::domain::{
    output::{CommandOutput, Exit, LogError, LogTail},
    shell,
};

/// The status with which [`logs`] ends when there is no such unit, as
/// systemctl's own.
const NO_UNIT: u32 = 4;
/// The status with which it ends when the login may not read the journal
/// (EX_NOPERM).
const NO_RIGHT: u32 = 77;

/// What journalctl says to a login that sees nothing but its own messages.
pub(super) const CLOSED: [&str; 2] = ["insufficient permissions", "not seeing messages"];

/// The last lines of a unit's journal, and of what it starts where it is a timer.
/// It knows a unit only by the name that it has itself. To a login without the
/// right it shows nothing, and that is no error to it: only without `--quiet`
/// does it tell.
pub(super) fn logs(unit: &Unit, lines: u32) -> String {
    let name = shell::quote(unit.name.as_str());
    let closed = CLOSED.map(|said| format!("*{}*", shell::quote(said))).join(" | ");
    let (find, systemctl, of) = match unit.manager {
        Manager::System => ("", "systemctl", "-u"),
        Manager::User => (FIND_USER, "systemctl --user", "--user-unit"),
    };
    let started = match unit.timer() {
        Some(_) => format!("s=$({systemctl} show -p Unit --value -- {name} 2>/dev/null)\n"),
        None => "s=\n".to_owned(),
    };
    format!(
        "export LC_ALL=C\n{find}\n\
         [ \"$({systemctl} show -p LoadState --value -- {name} 2>&1)\" != not-found ] || exit {NO_UNIT}\n\
         u=$({systemctl} show -p Id --value -- {name} 2>/dev/null)\n\
         [ -n \"$u\" ] || u={name}\n{started}\
         t=$(journalctl --no-pager --quiet -o short-iso -n {lines} {of} \"$u\" ${{s:+{of} \"$s\"}} 2>&1)\n\
         r=$?\n\
         [ -n \"$t\" ] && [ $r = 0 ] || case $t$(journalctl --no-pager -n 0 2>&1 >/dev/null) in\n\
         {closed})\n\
         echo \"$(id -un) may not read the journal: it needs the group systemd-journal\"; exit {NO_RIGHT} ;;\n\
         esac\n\
         printf '%s\\n' \"$t\"\n\
         exit $r"
    )
}

/// Reads what [`logs`] printed.
pub(super) fn read_log(output: CommandOutput) -> Result<LogTail, LogError> {
    output.into_log(|exit, _| *exit == Exit::Code(NO_UNIT))
}
