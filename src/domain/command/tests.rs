//! The grammar as people use it.

use super::*;
use crate::domain::{inbound::Me, names::UserId};

fn reading(body: &str, addressed: bool) -> String {
    let me = Me { user: UserId::parse("@opsroom:example.org").unwrap(), display_name: Some("Ops Room".into()) };
    match read(body, addressed, "!", &me) {
        Reading::NotForMe => "not for me".into(),
        Reading::Command(parsed) => command(parsed.command),
        Reading::NoSuchCommand { written, nearest } => format!("no {written}; {}?", nearest.unwrap_or("-")),
        Reading::Misused { spec, fault } => format!("{} {fault:?}", spec.name),
    }
}

fn command(command: Command<Written>) -> String {
    match command {
        Command::Help { about } => format!("help {}", about.unwrap_or_default()),
        Command::Ping => "ping".into(),
        Command::Whoami => "whoami".into(),
        Command::Status { services } => format!("status of {}", services.len()),
        Command::Logs { target, lines } => format!("logs {target} {lines}"),
        Command::Change { wanted, target: service } => {
            let discard = if wanted.discard { " discarding" } else { "" };
            let version = wanted.version.map_or(String::new(), |v| format!(" to {v}"));
            let replicas = wanted.replicas.map_or(String::new(), |count| format!(" to {count}"));
            format!("{} {service}{version}{replicas}{discard}", wanted.change.command())
        }
        Command::Hosts { hosts } => format!("hosts {}", hosts.join(" ")),
        Command::Preview { service } => format!("preview {service}"),
        Command::Operations => "ops".into(),
        Command::Cancel { operation } => format!("cancel {operation}"),
        Command::Alerts => "alerts".into(),
        Command::Ack { incidents } => format!("ack {}", incidents.join(" ")),
        Command::Silence { scope, length, reason } => {
            format!("silence {} {length:#} {}", scope.as_written(), reason.unwrap_or_default())
        }
        Command::Unsilence { silences } => format!("unsilence {silences}"),
        Command::History { past } => format!("history {}", past.unwrap_or_default()),
    }
}

#[test]
fn messages_are_read_as_people_write_them() {
    for (body, addressed, expected) in [
        ("hello", false, "not for me"),
        ("!", false, "not for me"),
        ("!!! help", false, "not for me"),
        ("!ping", false, "ping"),
        (" !Ping ", false, "ping"),
        ("! ping", false, "ping"),
        ("!status", false, "status of 0"),
        ("!status web-* @bots spark-1:", false, "status of 3"),
        ("！ＳＴＡＴＵＳ", false, "status of 0"),
        ("！status\u{3000}bridge。", false, "status of 1"),
        ("!status.", false, "status of 0"),
        ("!Status, bridge", false, "status of 1"),
        ("!status please", false, "status of 0"),
        ("!status the bridge, please.", false, "status of 1"),
        ("!whoami, thanks!", false, "whoami"),
        ("!Restart bridge please", false, "restart bridge"),
        ("!Please restart the bridge", false, "restart bridge"),
        ("!restart please", false, "restart please"),
        ("!restart bridge kokoro please", false, "restart Extra(\"kokoro\")"),
        ("!logs bridge 50.", false, "logs bridge 50"),
        ("!logs bridge please", false, "logs bridge 100"),
        ("!rollback bridge please", false, "rollback bridge"),
        ("!rollback bridge abc1234.", false, "rollback bridge to abc1234"),
        ("!update bridge —dry-run, pls", false, "preview bridge"),
        ("!scale bridge 5.", false, "scale bridge to 5"),
        ("!scale bridge to 5, please", false, "scale bridge to 5"),
        ("!scale shop/api=5", false, "scale shop/api to 5"),
        ("!scale bridge", false, "scale Missing(\"number of replicas\")"),
        ("!scale bridge 0", false, "scale Replicas(\"0\")"),
        ("!scale bridge -1", false, "scale Replicas(\"-1\")"),
        ("!scale bridge +3", false, "scale Replicas(\"+3\")"),
        ("!scale bridge 5 6", false, "scale Extra(\"6\")"),
        ("!hosts", false, "hosts "),
        ("!hosts all", false, "hosts "),
        ("!host spark-1: spark-2.", false, "hosts spark-1 spark-2"),
        ("!cancel 12!", false, "cancel 12"),
        ("!ack 7, 8 please.", false, "ack 7 8"),
        ("!silence the bridge 2h…", false, "silence bridge 2h "),
        ("!wow!", false, "no wow; -?"),
        ("!?", false, "help "),
        ("!...", false, "not for me"),
        ("!.", false, "not for me"),
        ("!logs bridge", false, "logs bridge 100"),
        ("!logs bridge 50", false, "logs bridge 50"),
        ("!logs bridge fifty", false, "logs Lines(\"fifty\")"),
        ("!logs bridge 0", false, "logs Lines(\"0\")"),
        ("!logs", false, "logs Missing(\"service\")"),
        ("!restart bridge", false, "restart bridge"),
        ("!restart bridge now", false, "restart Extra(\"now\")"),
        ("!update $(reboot)", false, "update $(reboot)"),
        ("!deploy bridge", false, "update bridge"),
        ("!restrat bridge", false, "no restrat; restart?"),
        ("!ops", false, "ops"),
        ("!cancel #12", false, "cancel #12"),
        ("!cancel", false, "cancel Missing(\"operation\")"),
        ("!history", false, "history "),
        ("!alerts", false, "alerts"),
        ("!ack 7 bridge", false, "ack 7 bridge"),
        ("!silence @db 1h30m moving disks", false, "silence @db 1h 30m moving disks"),
        ("!silence all 3d", false, "silence all 72h "),
        ("!silence all soon", false, "silence Time(\"soon\")"),
        ("!silence all -1h", false, "silence Time(\"-1h\")"),
        ("!silence all", false, "silence Missing(\"time\")"),
        ("!unsilence all", false, "unsilence all"),
        ("!history bridge", false, "history bridge"),
        ("!xyzzy", false, "no xyzzy; -?"),
        ("opsroom: ping", true, "ping"),
        ("Opsroom： ping!", true, "ping"),
        ("Ops Room, status", true, "status of 0"),
        ("@opsroom:example.org ping", true, "ping"),
        ("@opsroom ping", true, "ping"),
        ("opsroom", true, "help "),
        ("opsroom: ping", false, "not for me"),
        ("opsrooms: ping", true, "not for me"),
        ("ask opsroom about it", true, "not for me"),
    ] {
        assert_eq!(reading(body, addressed), expected, "{body:?}");
    }
}

#[test]
fn every_entry_has_its_own_names_and_reads_back() {
    let mut names: Vec<&str> = TABLE.iter().flat_map(|s| s.aliases.iter().copied().chain([s.name])).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    for entry in TABLE {
        let second = if entry.arguments.contains("<replicas>") { "2" } else { "1h" };
        let args: Vec<&str> = ["x", second].into_iter().take(entry.arguments.matches('<').count()).collect();
        let command = (entry.read)(&args).unwrap_or_else(|f| panic!("{}: {f:?}", entry.name));
        assert_eq!(command.spec.needs, entry.needs, "{}", entry.name);
    }
}
