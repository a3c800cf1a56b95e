//! The `opsroom` binary: arguments, logging, the runtime and the exit code.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

use anyhow::Context as _;
use clap::Parser as _;
use opsroom::{
    app,
    cli::{self, AuditCommand, Cli, Command, ConfigFile, Ending, Limit, StateOf},
    config::{self, ConfigError, Depth, Settings},
    health::HealthFile,
    ledger::{LEDGER_FILE, audit},
    logging,
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // `--help` and `--version` come this way too. When nobody reads
            // them, there is nobody to tell.
            let _ = answer.print();
            return if answer.use_stderr() { Ending::Usage } else { Ending::Done }.into();
        }
    };
    let Err(error) = obey(cli) else { return Ending::Done.into() };
    let _ = writeln!(io::stderr(), "{}", explain(&error));
    if error.is::<ConfigError>() { Ending::ConfigInvalid } else { Ending::Failed }.into()
}

/// The error with its causes, without repeating what its text says already.
fn explain(error: &anyhow::Error) -> String {
    if let Some(config) = error.downcast_ref::<ConfigError>() {
        return config.to_string();
    }
    format!("opsroom: {error:#}")
}

fn obey(Cli { command, log }: Cli) -> anyhow::Result<()> {
    match command {
        Command::Run(ConfigFile { config }) => serve(&config, &log, app::run),
        Command::Login(ConfigFile { config }) => serve(&config, &log, app::login),
        Command::Console(ConfigFile { config }) => serve(&config, &log, app::console),
        Command::Doctor { config, only } => serve(&config.config, &log, |settings| app::doctor(settings, only)),
        Command::Discover { config, host, run_as } => {
            serve(&config.config, &log, |settings| app::discover(settings, host, run_as))
        }
        Command::Check { config, no_files } => check(&config.config, no_files),
        Command::Audit { command } => audit(command),
        Command::Healthcheck { state, max_age } => healthcheck(&state_dir(state)?, max_age),
    }
}

fn state_dir(StateOf { config, state_dir }: StateOf) -> anyhow::Result<PathBuf> {
    match state_dir {
        Some(dir) => Ok(dir),
        None => Ok(config::load(&config.config, Depth::Text)?.state_dir),
    }
}

fn audit(command: AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Verify { head, state } => {
            let whole = audit::verify(&ledger(state)?, head.as_deref())?;
            say(&format!("the record is whole: {} entries, the last with the hash {}", whole.entries, whole.head))
        }
        AuditCommand::Tail { lines, state } => {
            audit::tail(&ledger(state)?, lines)?.iter().try_for_each(|link| say(&link.entry))
        }
    }
}

fn ledger(state: StateOf) -> anyhow::Result<PathBuf> {
    let file = state_dir(state)?.join(LEDGER_FILE);
    anyhow::ensure!(file.exists(), "there is no record at {}: no bot has run with this state yet", file.display());
    Ok(file)
}

fn check(file: &Path, no_files: bool) -> anyhow::Result<()> {
    let settings = config::load(file, if no_files { Depth::Text } else { Depth::Files })?;
    say(&cli::summary(&settings))?;
    // The text alone may be meant for another machine.
    if !no_files && let Some(warning) = app::local_jobs(&settings) {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    Ok(())
}

fn healthcheck(state_dir: &Path, Limit(limit): Limit) -> anyhow::Result<()> {
    let age = HealthFile::in_dir(state_dir).check(SystemTime::now(), limit)?;
    say(&format!("healthy: the last good sync was {} s ago", age.as_secs()))
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{line}").context("standard output is closed")
}

/// Loads the config, starts logging and the runtime, and does the task on it.
fn serve<Task>(file: &Path, log: &str, task: impl FnOnce(Settings) -> Task) -> anyhow::Result<()>
where
    Task: Future<Output = anyhow::Result<()>>,
{
    let settings = config::load(file, Depth::Files)?;
    logging::start(log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no async runtime")?;
    runtime.block_on(task(settings))
}
