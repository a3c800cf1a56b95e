//! What a host would not begin, with the way out; and what a job says by the
//! way.

use jiff::Timestamp;

use super::span;
use crate::domain::{
    change::Change,
    inventory::Service,
    message::{code, escape},
    preflight::{Note, Refusal},
};

/// Why a change was not begun, and what to do about it.
pub fn refused(refusal: &Refusal, service: &Service, change: Change, prefix: &str, now: Timestamp) -> String {
    let dir = code(service.dir.as_ref().map_or("its directory", |dir| dir.as_str()));
    let (host, runtime) = (escape(service.host.as_str()), service.workload.runtime());
    let again = code(&format!("{prefix}{} {}", change.command(), service.name));
    match refusal {
        Refusal::Locked { job, owner, change, since } => {
            let age = since.map_or(String::new(), |since| format!(", {} ago", span::since(since, now)));
            format!(
                "Another job works on it on {host}: {} asked by {}{age} ({}). Wait for it; {again} again when it is done.",
                escape(change),
                escape(owner),
                code(job)
            )
        }
        Refusal::LockedElsewhere => {
            format!("A job of another login works on it on {host} right now. {again} again when it is done.")
        }
        Refusal::NoState(path) => format!(
            "The job cannot keep its records in {} on {host}: is the disk full, or the directory somebody else's?",
            code(path)
        ),
        Refusal::NoDirectory => {
            format!("There is no {dir} on {host} that I can see. Clone the project there, or mend `dir` in the config.")
        }
        Refusal::NoRight { login, rule } => format!(
            "The login {} may not do that on {host}. A rule that allows it and no more, for {} there: {}",
            code(login),
            code("/etc/sudoers.d/opsroom"),
            code(rule)
        ),
        Refusal::NoEntry(login) => {
            format!("The login {} may not enter {dir} on {host}. Give it the directory, or set `run_as`.", code(login))
        }
        Refusal::NoContainer(login) => format!(
            "The login {} has neither a container of it nor its image on {host}. \
             Start it once, or set `run_as` to the login that runs it.",
            code(login)
        ),
        Refusal::NoQuadlet => {
            "The strategy `pull` is for a unit that is made from a `.container` file, and this one is not.".to_owned()
        }
        Refusal::NoRegistry(image) => format!(
            "No registry can be asked for its image {}. Name it whole in its file, like {}.",
            code(image),
            code("registry.example.org/app:stable")
        ),
        Refusal::OneTask(task) => format!(
            "{} is one of several tasks, which {} replaces by itself. Name the whole service.",
            code(task),
            runtime.label()
        ),
        Refusal::PullsItself => {
            "Its file has each start pull the image (`Pull=`): then nothing could be taken back. Drop that line."
                .to_owned()
        }
        Refusal::Engine(why) => format!(
            "{} does not answer on {host}: {}. {}",
            runtime.label(),
            escape(why.trim_end_matches('.')),
            runtime.access()
        ),
        Refusal::NoCompose => format!("Compose v2 is missing on {host}. Install it there."),
        Refusal::Disk { free, wanted, place } => format!(
            "Only {} MiB are free at {} on {host}, and {} are wanted. Make room there, for example with {}; or lower \
             `min_free`.",
            escape(free),
            code(place),
            escape(wanted),
            code(runtime.cleanup())
        ),
        Refusal::IndexLock(path) => format!(
            "Another git is at work in {dir} on {host}. {again} again when it is done; if none is, remove {}.",
            code(path)
        ),
        Refusal::DubiousOwnership(login) => format!(
            "git refuses {dir} on {host} (“dubious ownership”): its files are not {login}'s. Make them so with {}, or \
             set `run_as` to their owner.",
            code(&format!("chown -R {login} {}", service.dir.as_ref().map_or("", |dir| dir.as_str()))),
            login = escape(login)
        ),
        Refusal::NotWritable { login, place } => format!(
            "The login {} cannot write {} on {host}, where git has to. Change that with {}, or set `run_as` to its \
             owner.",
            code(login),
            code(place),
            code(&format!("chown -R {login} {place}"))
        ),
        Refusal::NoClone => format!("{dir} on {host} is no git clone. Clone the project there, or mend `dir`."),
        Refusal::Git(why) => format!("git says in {dir} on {host}: {}", escape(why)),
        Refusal::OtherBranch(branch) => format!(
            "{dir} on {host} is on the branch {}, and the config says {}. Switch it there, or mend `branch`.",
            code(branch),
            code(service.branch.as_str())
        ),
        Refusal::Dirty { count, files } => {
            let plural = if count == "1" { "file has" } else { "files have" };
            format!(
                "{} tracked {plural} local changes in {dir} on {host}: {}. It would throw them away. Commit them, or \
                 send {}: I save them as a patch on the host first.",
                escape(count),
                code(files),
                code(&format!("{prefix}{} {} --discard", change.command(), service.name))
            )
        }
        Refusal::Overwrite(file) => format!(
            "The new version brings {}, and {dir} on {host} has a file of that name that git does not know. It would be \
             overwritten. Move it away first.",
            code(file)
        ),
        Refusal::NoVersion => format!(
            "I know no earlier version of {} that passed verification. Name one: {}.",
            escape(service.name.as_str()),
            code(&format!("{prefix}rollback {} <commit>", service.name))
        ),
        Refusal::NoSuchVersion(version) => {
            format!("There is no version {} on {host}, or its images are gone.", code(version))
        }
        Refusal::ImagesGone(version) => format!(
            "The images of {} are gone from {host}: somebody has pruned them. Name another version with {}.",
            code(version),
            code(&format!("{prefix}rollback {} <version>", service.name))
        ),
        Refusal::ThereAlready(version) => format!("{} is in place already.", code(version)),
        Refusal::Other(words) => format!("{host} says: {}", escape(words)),
    }
}

/// What a job did or saw by the way.
pub fn note(note: &Note) -> String {
    match note {
        Note::LockTakenOver(job) => {
            format!("🔓 The lock of an earlier job ({}), which is dead, was taken over.", code(job))
        }
        Note::IndexLockRemoved => "🔓 A lock that a dead git had left in the clone was removed.".to_owned(),
        Note::Discarded(path) => format!("📎 Local changes were set aside: {}", code(path)),
        Note::NotIgnored(file) => {
            format!("⚠️ git does not ignore {}. If it holds secrets, add it to the ignore file.", code(file))
        }
        Note::LeftBehind(commit) => format!(
            "⚠️ The branch does not contain what was checked out before, {}. It stays reachable in the clone.",
            code(commit.get(..7).unwrap_or(commit))
        ),
        Note::ImagesGone { version, builds } => {
            let way = if *builds { "has to build it anew" } else { "is not possible" };
            format!(
                "⚠️ The images kept of {}, the version before, are gone (pruned?): going back to it {way}.",
                code(version.get(..7).unwrap_or(version))
            )
        }
        Note::LogCut => "✂️ It printed more than 64 MiB: the middle of its log is cut out.".to_owned(),
        Note::StillSick(names) => {
            let names: Vec<String> = names.split(' ').map(code).collect();
            format!("⚠️ In trouble before and still: {}. That is not this change's doing.", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        names::{ContainerName, HostName, RemoteDir, ServiceName},
        runtime::Workload,
    };

    fn bridge() -> Service {
        Service {
            dir: Some(RemoteDir::parse("/srv/bridge").unwrap()),
            ..Service::new(
                ServiceName::parse("bridge").unwrap(),
                HostName::parse("web-1").unwrap(),
                Workload::Docker(ContainerName::parse("bridge").unwrap()),
            )
        }
    }

    #[test]
    fn each_refusal_names_the_way_out() {
        let said = |words: &str| refused(&Refusal::read(words), &bridge(), Change::Update, "!", Timestamp::UNIX_EPOCH);
        insta::assert_snapshot!(said("not-writable ops /srv/bridge/.git"), @r"The login `ops` cannot write `/srv/bridge/.git` on web\-1, where git has to. Change that with `chown -R ops /srv/bridge/.git`, or set `run_as` to its owner.");
        insta::assert_snapshot!(said("locked-elsewhere"), @r"A job of another login works on it on web\-1 right now. `!update bridge` again when it is done.");
        insta::assert_snapshot!(said("images-gone 0123456789ab"), @r"The images of `0123456789ab` are gone from web\-1: somebody has pruned them. Name another version with `!rollback bridge <version>`.");
    }

    #[test]
    fn what_is_noted_by_the_way_is_one_line_each() {
        let said = |words: &str| note(&Note::read(words).unwrap());
        insta::assert_snapshot!(said("still-sick app-db-1 app-web-1"), @"⚠️ In trouble before and still: `app-db-1`, `app-web-1`. That is not this change's doing.");
        insta::assert_snapshot!(said("images-gone 0123456789abcdef compose-git"), @"⚠️ The images kept of `0123456`, the version before, are gone (pruned?): going back to it has to build it anew.");
        insta::assert_snapshot!(said("images-gone 0123456789abcdef compose-pull"), @"⚠️ The images kept of `0123456`, the version before, are gone (pruned?): going back to it is not possible.");
        insta::assert_snapshot!(said("log-cut"), @"✂️ It printed more than 64 MiB: the middle of its log is cut out.");
    }
}
