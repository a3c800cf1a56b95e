//! A change as one script that the host carries: placed in a directory of its
//! own, started detached, and only *followed* from here.
//!
//! ```text
//! ~/.local/state/opsroom/jobs/<id>/   script  log  begun/  pid  born  about  result  |  begun/  forbidden
//! ```
//!
//! Who makes `begun` decides whether the job begins: its own process, or
//! somebody who then can say that it did not. `pid` is also the process group,
//! and `born` tells that process from a later one of the same number. `result`
//! (the exit status) is written by rename, then an end mark goes into the log.
//! The host keeps the job's time limit itself, and its log below 64 MiB: what is
//! printed goes through a pipe, beyond which the middle is cut out (`log.sh`). Starting is keyed by the job's
//! ID: a directory that exists is followed, never started again, so a start
//! whose answer was lost can be repeated. A log read from an offset is the same
//! bytes however often the connection breaks.

use std::time::Duration;

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
    /// After this the host tells the job to end.
    pub limit: Duration,
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
/// It has ended, and processes of its group do not, not even when they are killed.
pub const STRAGGLERS: u32 = 94;
/// It was told to end and does not yet: it puts back what it had touched.
pub const STILL_ENDING: u32 = 95;
/// The host knows no such job, or was told that it must not begin any more.
pub const NO_SUCH_JOB: u32 = 97;
/// The job was placed but its process did not come up, and will not any more.
pub const NOT_STARTED: u32 = 98;
/// The follower saw the job's process gone without a result.
pub const GONE: u32 = 99;

/// What a line of the log begins with that the job itself wrote.
pub fn mark(nonce: &str) -> String {
    format!("::opsroom {nonce} ")
}

/// Where jobs live, and whether one does.
const PRELUDE: &str = include_str!("prelude.sh");
const DETACH: &str = include_str!("detach.sh");
const LOG: &str = include_str!("log.sh");
const WRAPPER: &str = include_str!("wrapper.sh");
/// Directories of jobs are removed by a later job when they are this old.
const KEPT_DAYS: u32 = 14;

impl Job {
    /// Starts the job unless it was started before, then follows it.
    pub fn start(&self) -> String {
        let id = self.id.as_str();
        let prelude = shell::terse(PRELUDE);
        let wrapper = format!(
            "{prelude}limit={}\nmark={}\n{}{}",
            self.limit.as_secs(),
            shell::quote(&mark(&self.nonce)),
            shell::terse(LOG),
            shell::terse(WRAPPER)
        );
        let text = format!(
            "u=$(umask)\numask 077\n{prelude}\
             command -v setsid >/dev/null || {{ echo 'setsid is not installed on this host' >&2; exit {NOT_PLACED}; }}\n\
             mkdir -p \"$r\" || exit {NOT_PLACED}\n\
             if mkdir \"$r/{id}\" 2>/dev/null; then\n\
             find \"$r\"/* -prune -type d -mtime +{KEPT_DAYS} -exec rm -rf {{}} + </dev/null >/dev/null 2>&1\n\
             cd \"$r/{id}\" && printf %s {script} >script && : >log || {{\n\
             echo \"cannot write in $r, where $(df -Pk \"$r\" | {{ read -r _; read -r _ _ _ k _; echo \"$k\"; }}) kB are free\" >&2\n\
             rm -rf \"$r/{id}\"; exit {NOT_PLACED}; }}\n\
             export u; {detach}detach sh -c {wrapper} </dev/null >/dev/null 2>&1 &\n\
             elif [ ! -d \"$r/{id}\" ]; then mkdir \"$r/{id}\"; exit {NOT_PLACED}; fi\n\
             {follow}",
            script = shell::quote(&self.script()),
            detach = shell::terse(DETACH),
            wrapper = shell::quote(&wrapper),
            follow = self.follow(0),
        );
        shell::script(self.run_as.as_ref(), &text)
    }

    /// Follows a job that was started, from a byte of its log.
    pub fn attach(&self, offset: u64) -> String {
        shell::script(self.run_as.as_ref(), &format!("{}{}", shell::terse(PRELUDE), self.follow(offset)))
    }

    /// Follows a job of which nobody knows whether it was started, from the
    /// beginning of its log. One that was not cannot start any more: a start that
    /// is still on its way finds its place taken.
    pub fn attach_or_forbid(&self) -> String {
        let text = format!("umask 077\n{}forbid \"$r/{}\"\n{}", shell::terse(PRELUDE), self.id.0, self.follow(0));
        shell::script(self.run_as.as_ref(), &text)
    }

    /// Asks the job's whole process group to end, again and again for some
    /// seconds, because a command that begins in the wrong moment misses it. What
    /// is left of the group for some time after the job itself has ended is
    /// killed. Succeeds when nothing is left. A job that has not begun cannot
    /// begin any more.
    pub fn cancel(&self) -> String {
        let id = self.id.as_str();
        // No `--` for kill: dash and busybox take it for a process.
        let text = format!(
            "umask 077\n{}forbid \"$r/{id}\"\n\
             cd \"$r/{id}\" && [ ! -e forbidden ] || exit {NO_SUCH_JOB}\n\
             named\n\
             i=0\n\
             while alive .; do\n\
             [ $i -lt 10 ] || exit {STILL_ENDING}\n\
             [ $((i % 3)) -ne 0 ] || kill -TERM -\"$(cat pid)\" 2>/dev/null\n\
             i=$((i + 1))\n\
             sleep 1\n\
             done\n\
             [ $i -gt 0 ] || exit 0\n\
             i=0\n\
             while kill -0 -\"$(cat pid)\" 2>/dev/null; do\n\
             [ $i -lt 8 ] || exit {STRAGGLERS}\n\
             [ $i -lt 3 ] || kill -KILL -\"$(cat pid)\" 2>/dev/null\n\
             i=$((i + 1))\n\
             sleep 1\n\
             done",
            shell::terse(PRELUDE),
        );
        shell::script(self.run_as.as_ref(), &text)
    }

    fn follow(&self, offset: u64) -> String {
        let id = self.id.as_str();
        let tail = shell::until_hung_up(&format!("tail -c +{} -f log", offset + 1));
        let end = shell::quote(&format!("{}end", mark(&self.nonce)));
        // One whose process was stopped between its result and the end mark, or
        // had no space for that, has its end told by who looks. The watch over the
        // process closes its own outputs while it sleeps, or sshd would keep the
        // channel for it.
        format!(
            "cd \"$r/{id}\" 2>/dev/null && [ ! -e forbidden ] || exit {NO_SUCH_JOB}\n\
             named || {{ forbid . && exit {NOT_STARTED}; }}\n\
             named || {{ [ ! -e forbidden ] || exit {NO_SUCH_JOB}; exit {GONE}; }}\n\
             ended() {{ tail -n 1 log | grep -q ^{end} || {{ [ -s result ] && printf '\\n%s %s\\n' {end} \"$(cat result)\" >>log; }}; }}\n\
             m=$$\n\
             trap 'kill $e $w $v 2>/dev/null; exit {GONE}' USR1\n\
             {{ while sleep 3; do runs . || ended || {{ kill -USR1 $m; break; }}; done; }} >/dev/null 2>&1 </dev/null & v=$!\n\
             trap 'kill $v 2>/dev/null' EXIT\n\
             {tail}"
        )
    }

    fn script(&self) -> String {
        format!("{}{}", shell::terse(PRELUDE), speaking(&self.nonce, &self.body))
    }
}

/// A script that can speak in marks: `say` and `phase`.
pub fn speaking(nonce: &str, body: &str) -> String {
    format!(
        "say() {{ printf '\\n{mark}%s\\n' \"$*\"; }}\n\
         phase() {{ say phase \"$1\" \"$(date +%s)\"; }}\n\
         {body}\n",
        mark = mark(nonce),
    )
}
