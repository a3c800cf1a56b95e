//! The machine in one paragraph: what somebody needs to judge the numbers, and
//! nothing that names it.

use std::{fs, process::Command};

use opsroom_lab::Lab;

pub(crate) fn describe(lab: &Lab) -> String {
    let venv = |package: &str| {
        let python = lab.facts().home.join("venv/bin/python");
        let ask = format!("import importlib.metadata as m; print(m.version({package:?}))");
        said(Command::new(python).args(["-c", &ask]))
    };
    let lines = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let memory = field(&lines("/proc/meminfo"), "MemTotal").and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores ({}), {:.0} GiB of memory, Linux {}, load average {} at the start. Synapse {} on SQLite, over loopback; \
         OpenSSH {}; Docker {}; ansible-core {}; {}.\n",
        lines("/proc/cpuinfo")
            .lines()
            .find_map(|l| l.strip_prefix("model name"))
            .map_or("?", |l| l.trim_matches([' ', '\t', ':'])),
        memory / 1024.0 / 1024.0,
        lines("/proc/sys/kernel/osrelease").split(['-', '+']).next().unwrap_or_default().trim(),
        lines("/proc/loadavg").split(' ').next().unwrap_or_default(),
        venv("matrix-synapse"),
        said(Command::new("ssh").arg("-V")).trim_start_matches("OpenSSH_").split([' ', ',']).next().unwrap_or_default(),
        lab.engine().docker(&["version", "-f", "{{.Server.Version}}"]),
        venv("ansible-core"),
        said(Command::new("rustc").arg("--version")).split(" (").next().unwrap_or_default(),
    )
}

fn said(command: &mut Command) -> String {
    let output = command.output().expect("it can be run");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// A field of one of the kernel's `Name:  value kB` files.
pub(crate) fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next().map(str::to_owned)
}
