//! Whether a job on this machine outlives the bot.
//!
//! A job is detached from the bot, but it stays in the bot's cgroup, and systemd
//! ends all of that with the bot's service. So the job's start asks systemd for a
//! scope (`domain/job/detach.sh`). Who is neither root nor has a manager of his
//! own gets none; that is told when the config is checked.

use std::path::Path;

/// How jobs on this machine are kept when the bot is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Each gets a scope of its own.
    Granted,
    /// systemd runs this machine, and gives this login none.
    Denied,
    /// There is no systemd: what started the bot decides.
    NoSystemd,
}

impl Scope {
    /// What the user the bot runs as gets here.
    pub fn here() -> Self {
        Self::of(Path::new("/run"), rustix::process::geteuid().as_raw())
    }

    fn of(run: &Path, user: u32) -> Self {
        // sd_booted(3) and the socket on which systemd-run(1) reaches a user's manager.
        if !run.join("systemd/system").is_dir() {
            Self::NoSystemd
        } else if user == 0 || run.join(format!("user/{user}/systemd/private")).exists() {
            Self::Granted
        } else {
            Self::Denied
        }
    }

    /// What the operator should know, and do.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::Granted => None,
            Self::Denied => Some(
                "a restart of the bot's systemd unit ends them, because this user may not make a scope. \
                 Give it a manager (`loginctl enable-linger <user>`), or the unit `KillMode=process`",
            ),
            Self::NoSystemd => Some(
                "they outlive the bot only if what starts it leaves its other processes alone. \
                 The end of a container ends them; there, reach the machine over SSH instead",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    #[test]
    fn root_and_who_has_a_manager_get_a_scope_where_there_is_systemd() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!((Scope::of(run.path(), 0), Scope::of(run.path(), 7)), (Scope::NoSystemd, Scope::NoSystemd));
        create_dir_all(run.path().join("systemd/system")).unwrap();
        assert_eq!((Scope::of(run.path(), 0), Scope::of(run.path(), 7)), (Scope::Granted, Scope::Denied));
        create_dir_all(run.path().join("user/7/systemd")).unwrap();
        write(run.path().join("user/7/systemd/private"), "").unwrap();
        assert_eq!((Scope::of(run.path(), 7), Scope::of(run.path(), 8)), (Scope::Granted, Scope::Denied));
    }

    #[test]
    fn who_gets_none_is_told_what_to_do() {
        assert_eq!(Scope::Granted.warning(), None);
        assert!(Scope::Denied.warning().unwrap().contains("KillMode=process"));
        assert!(Scope::NoSystemd.warning().unwrap().contains("SSH"));
    }
}
