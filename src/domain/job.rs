//! A change as one script that the host carries: placed in a directory of its
//! own, started detached, and only *followed* from here.
//!
//! ```text
//! ~/.local/state/opsroom/jobs/<id>/   script  log  pid  result
//! ```
//!
//! `pid` is also the process group. `result` (the exit status) is written by
//! rename, then an end mark goes into the log. Starting is keyed by the job's
//! ID: a directory that exists is followed, never started again, so a start
//! whose answer was lost can be repeated. A log read from an offset is the same
//! bytes however often the connection breaks.

use super::{names::LoginName, shell};

/// A change, ready for the host.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Job {
    /// Unique over all bots and all time: it names the directory.
    pub id: JobId,
    /// Makes the job's own marks in the log unlike anything that a tool it runs
    /// could print.
    pub nonce: String,
    /// Whose files and engine it works on, if not the SSH user's.
    pub run_as: Option<LoginName>,
    /// The script's body: phases between marks. See [`mark`].
    pub body: String,
}

/// The name of a job's directory: `[a-z0-9-]`, so that it needs no quoting.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct JobId(String);

impl JobId {
    /// The job of an operation of this bot.
    pub fn new(instance: &str, operation: u64) -> Self {
        let instance: String = instance.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        Self(format!("{}-{operation}", instance.to_ascii_lowercase()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The start could not place its files. Standard error says why.
pub const NOT_PLACED: u32 = 96;
/// The host knows no such job.
pub const NO_SUCH_JOB: u32 = 97;
/// The job was placed but its process did not come up.
pub const NOT_STARTED: u32 = 98;
/// The follower saw the job's process gone without a result.
pub const GONE: u32 = 99;

/// What a line of the log begins with that the job itself wrote.
pub fn mark(nonce: &str) -> String {
    format!("::opsroom {nonce} ")
}

const DIRECTORY: &str = "r=\"${XDG_STATE_HOME:-$HOME/.local/state}/opsroom/jobs\"\n";

impl Job {
    /// Starts the job unless it was started before, then follows it.
    pub fn start(&self) -> String {
        let id = self.id.as_str();
        let wrapper = format!(
            "echo $$ >pid.tmp && mv pid.tmp pid\n\
             trap : TERM INT HUP\n\
             sh ./script >>log 2>&1 </dev/null\n\
             c=$?\n\
             echo $c >result.tmp && mv result.tmp result\n\
             printf '\\n{}end %s\\n' $c >>log",
            mark(&self.nonce)
        );
        let text = format!(
            "umask 077\n{DIRECTORY}\
             command -v setsid >/dev/null || {{ echo 'setsid is not installed on this host' >&2; exit {NOT_PLACED}; }}\n\
             mkdir -p \"$r\" || exit {NOT_PLACED}\n\
             if mkdir \"$r/{id}\" 2>/dev/null; then\n\
             cd \"$r/{id}\" && printf %s {script} >script && : >log || exit {NOT_PLACED}\n\
             setsid sh -c {wrapper} </dev/null >/dev/null 2>&1 &\n\
             elif [ ! -d \"$r/{id}\" ]; then mkdir \"$r/{id}\"; exit {NOT_PLACED}; fi\n\
             {follow}",
            script = shell::quote(&self.script()),
            wrapper = shell::quote(&wrapper),
            follow = self.follow(0),
        );
        shell::script(self.run_as.as_ref(), &text)
    }

    /// Follows a job that was started, from a byte of its log.
    pub fn attach(&self, offset: u64) -> String {
        shell::script(self.run_as.as_ref(), &format!("{DIRECTORY}{}", self.follow(offset)))
    }

    /// Asks the job's whole process group to end.
    pub fn cancel(&self) -> String {
        let id = self.id.as_str();
        // No `--`: dash and busybox take it for a process.
        let text =
            format!("{DIRECTORY}cd \"$r/{id}\" || exit {NO_SUCH_JOB}\n[ -e result ] || kill -TERM -\"$(cat pid)\"");
        shell::script(self.run_as.as_ref(), &text)
    }

    fn follow(&self, offset: u64) -> String {
        let id = self.id.as_str();
        let tail = shell::until_hung_up(&format!("tail -c +{} -f log", offset + 1));
        // The watch over the process closes its own outputs while it sleeps, or
        // sshd would keep the channel for it.
        format!(
            "cd \"$r/{id}\" 2>/dev/null || exit {NO_SUCH_JOB}\n\
             i=0; while [ ! -s pid ] && [ $i -lt 100 ]; do sleep 0.05 2>/dev/null || sleep 1; i=$((i+1)); done\n\
             [ -s pid ] || exit {NOT_STARTED}\n\
             p=$(cat pid); m=$$\n\
             trap 'kill $e $w $v 2>/dev/null; exit {GONE}' USR1\n\
             {{ while sleep 3; do [ -e result ] || kill -0 $p || [ -e result ] || {{ kill -USR1 $m; break; }}; done; }} >/dev/null 2>&1 </dev/null & v=$!\n\
             trap 'kill $v 2>/dev/null' EXIT\n\
             {tail}"
        )
    }

    fn script(&self) -> String {
        format!(
            "say() {{ printf '\\n{mark}%s\\n' \"$*\"; }}\n\
             phase() {{ say phase \"$1\" \"$(date +%s)\"; }}\n\
             {body}\n",
            mark = mark(&self.nonce),
            body = self.body
        )
    }
}
