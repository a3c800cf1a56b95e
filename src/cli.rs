//! The command line: what can be asked for, and how it ends.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::{
    config::{Settings, duration},
    domain::names::LoginName,
    health,
};

/// What is logged when nobody says otherwise: what we do, and what goes wrong
/// in the libraries we use. They tell each request at `info`.
pub const DEFAULT_LOG: &str = "info,matrix_sdk=warn,russh=warn,hyper=warn,reqwest=warn,rustls=warn";

/// A Matrix room that runs your cluster: commands from a phone, carried out
/// over SSH, with no agent on the hosts.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// What is logged to standard error, like "debug" or "info,opsroom=trace"
    #[arg(long, global = true, value_name = "FILTER", env = "RUST_LOG", hide_env_values = true,
          default_value = DEFAULT_LOG, hide_default_value = true, value_parser = log_filter)]
    pub log: String,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the rooms until told to stop
    Run(ConfigFile),
    /// Check a config and report everything that is wrong with it; contacts nobody
    Check {
        /// The config.
        #[command(flatten)]
        config: ConfigFile,
        /// Check the text alone, not the files and variables it names
        #[arg(long)]
        no_files: bool,
    },
    /// Look whether everything is set up: the homeserver, the rooms, every host and service
    Doctor {
        /// The config.
        #[command(flatten)]
        config: ConfigFile,
        /// Only these hosts and services (a name, host:, @tag, a glob), and not the homeserver
        #[arg(value_name = "HOST|SERVICE")]
        only: Vec<String>,
    },
    /// Print the config lines for what runs on a host and is not in the config; changes nothing
    Discover {
        /// The config.
        #[command(flatten)]
        config: ConfigFile,
        /// Which host of the config
        host: String,
        /// Ask as this login, as the service's `run_as` would
        #[arg(long, value_name = "LOGIN", value_parser = login)]
        run_as: Option<LoginName>,
    },
    /// Log the bot's account in, once, before the first run
    Login(ConfigFile),
    /// Try the commands in this terminal, without Matrix
    Console(ConfigFile),
    /// Read the record of what was asked for and done; also while the bot runs
    Audit {
        /// What to do with it.
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Succeed if a running bot has heard its homeserver lately
    Healthcheck {
        /// Where it runs.
        #[command(flatten)]
        state: StateOf,
        /// How old the last good sync may be
        #[arg(long, value_name = "TIME", default_value_t = Limit(health::FRESH), value_parser = limit)]
        max_age: Limit,
    },
}

/// What can be done with the audit record.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no entry was changed or taken out, and print the last hash
    Verify {
        /// A hash that an earlier check printed: fails if it is not in the record any more
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
        /// Whose it is.
        #[command(flatten)]
        state: StateOf,
    },
    /// Print the last entries, a JSON object each
    Tail {
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        lines: u32,
        /// Whose it is.
        #[command(flatten)]
        state: StateOf,
    },
}

/// Whose state directory is meant.
#[derive(Debug, Args)]
pub struct StateOf {
    /// The config; only the state directory is taken from it.
    #[command(flatten)]
    pub config: ConfigFile,
    /// The bot's state directory, instead of reading the config for it
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// Which config is meant.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The config file
    #[arg(short, long, value_name = "FILE", env = "OPSROOM_CONFIG", default_value = "/etc/opsroom/config.toml")]
    pub config: PathBuf,
}

/// A length of time that prints as it is written.
#[derive(Debug, Clone, Copy)]
pub struct Limit(pub Duration);

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&duration::short(self.0))
    }
}

fn limit(text: &str) -> Result<Limit, &'static str> {
    duration::parse(text).map(Limit).ok_or("write it like 90s, 25m or 1h30m")
}

fn login(text: &str) -> Result<LoginName, String> {
    LoginName::parse(text).map_err(|error| error.to_string())
}

fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// How the process ends. The numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    /// Done as asked.
    Done = 0,
    /// It did not work; the last line on standard error says why.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The config is wrong.
    ConfigInvalid = 3,
}

impl From<Ending> for std::process::ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending as u8)
    }
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 config invalid";

/// What `check` says about a config that is right.
pub fn summary(settings: &Settings) -> String {
    let counts = [
        (settings.rooms.len(), "room"),
        (settings.inventory.operators.len(), "operator"),
        (settings.hosts.len(), "host"),
        (settings.inventory.services.len(), "service"),
    ];
    let counts = counts.map(|(count, noun)| format!("{count} {noun}{}", if count == 1 { "" } else { "s" }));
    format!("config ok: {}", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
        log_filter(DEFAULT_LOG).unwrap();
    }
}
