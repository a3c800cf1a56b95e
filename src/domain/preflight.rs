//! Why a host would not begin a change. Told by the job before it touches
//! anything; the words come from the runtimes' preflight scripts.

use jiff::Timestamp;

/// A change that was not begun, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Another job changes the service.
    Locked {
        /// The job's directory.
        job: String,
        /// Who asked for that one.
        owner: String,
        /// What it does.
        change: String,
        /// Since when, if that is known.
        since: Option<Timestamp>,
    },
    /// A job of another login changes the service.
    LockedElsewhere,
    /// The job cannot keep its records there.
    NoState(String),
    /// The directory is not there, as far as the login can see.
    NoDirectory,
    /// This login may not have it started or stopped.
    NoRight {
        /// The login.
        login: String,
        /// A line for sudoers(5) that would allow it.
        rule: String,
    },
    /// This login may not enter the directory.
    NoEntry(String),
    /// This login has neither a container of the unit nor its image.
    NoContainer(String),
    /// The unit is not made from a file that names an image.
    NoQuadlet,
    /// It is one task of several, which the engine replaces by itself.
    OneTask(String),
    /// No registry can be asked for the image of that name.
    NoRegistry(String),
    /// Each start pulls the image: nothing could be taken back.
    PullsItself,
    /// The container engine does not answer this login.
    Engine(String),
    /// There is no Compose v2.
    NoCompose,
    /// Too little space.
    Disk {
        /// MiB that are free.
        free: String,
        /// MiB that are wanted.
        wanted: String,
        /// Where.
        place: String,
    },
    /// Another git is at work in the clone, or seems to be.
    IndexLock(String),
    /// The clone's files belong to somebody else than this login.
    DubiousOwnership(String),
    /// Git would have to write here, and this login cannot.
    NotWritable {
        /// The login.
        login: String,
        /// Where.
        place: String,
    },
    /// The directory is no clone.
    NoClone,
    /// Git says this.
    Git(String),
    /// This branch is checked out, and not the configured one.
    OtherBranch(String),
    /// Tracked files differ from the commit that is checked out.
    Dirty {
        /// How many.
        count: String,
        /// Some of them.
        files: String,
    },
    /// The new version has this file, and one that git does not know is in its
    /// place.
    Overwrite(String),
    /// There is no earlier version that passed verification.
    NoVersion,
    /// There is no such version.
    NoSuchVersion(String),
    /// That version's images are not there any more.
    ImagesGone(String),
    /// That version is in place already.
    ThereAlready(String),
    /// Told by a newer script than this one.
    Other(String),
}

impl Refusal {
    /// Reads the words behind `refused`.
    pub fn read(words: &str) -> Self {
        let (what, rest) = words.split_once(' ').unwrap_or((words, ""));
        let text = rest.trim().to_owned();
        let parts: Vec<&str> = rest.splitn(3, ' ').collect();
        match (what, &parts[..]) {
            ("locked", [job, owner, more]) => {
                let (change, since) = more.split_once(' ').unwrap_or((more, ""));
                let since = since.trim().parse().ok().filter(|s| *s > 0);
                Self::Locked {
                    job: (*job).to_owned(),
                    owner: (*owner).to_owned(),
                    change: change.to_owned(),
                    since: since.and_then(|s| Timestamp::from_second(s).ok()),
                }
            }
            ("locked-elsewhere", _) => Self::LockedElsewhere,
            ("no-state", _) => Self::NoState(text),
            ("no-directory", _) => Self::NoDirectory,
            ("no-right", [login, rule @ ..]) => Self::NoRight { login: (*login).to_owned(), rule: rule.join(" ") },
            ("no-entry", _) => Self::NoEntry(text),
            ("no-container", _) => Self::NoContainer(text),
            ("no-quadlet", _) => Self::NoQuadlet,
            ("one-task", _) => Self::OneTask(text),
            ("no-registry", _) => Self::NoRegistry(text),
            ("pulls-itself", _) => Self::PullsItself,
            ("engine", _) => Self::Engine(text),
            ("no-compose", _) => Self::NoCompose,
            ("disk", [free, wanted, place]) => {
                Self::Disk { free: (*free).to_owned(), wanted: (*wanted).to_owned(), place: (*place).to_owned() }
            }
            ("index-lock", _) => Self::IndexLock(text),
            ("dubious-ownership", _) => Self::DubiousOwnership(text),
            ("not-writable", [login, place @ ..]) => {
                Self::NotWritable { login: (*login).to_owned(), place: place.join(" ") }
            }
            ("no-clone", _) => Self::NoClone,
            ("git", _) => Self::Git(text),
            ("other-branch", _) => Self::OtherBranch(text),
            ("dirty", [count, files @ ..]) => {
                Self::Dirty { count: (*count).to_owned(), files: files.join(" ").trim().to_owned() }
            }
            ("overwrite", _) => Self::Overwrite(text),
            ("no-version", _) => Self::NoVersion,
            ("no-such-version", _) => Self::NoSuchVersion(text),
            ("images-gone", _) => Self::ImagesGone(text),
            ("there-already", _) => Self::ThereAlready(text),
            _newer => Self::Other(words.to_owned()),
        }
    }
}

/// Something that a job did or saw by the way, and a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The lock of this job, which was dead, was taken over.
    LockTakenOver(String),
    /// A lock that a dead git had left in the clone was removed.
    IndexLockRemoved,
    /// Local changes were set aside into this file.
    Discarded(String),
    /// This file looks like secrets, and git does not ignore it.
    NotIgnored(String),
    /// Commits that only the clone had are left behind at this one.
    LeftBehind(String),
    /// These containers of the project were in trouble before, and are after.
    StillSick(String),
    /// The images kept of the version before this one are gone.
    ImagesGone {
        /// That version.
        version: String,
        /// Whether its commit is there to build them anew.
        builds: bool,
    },
    /// The job printed more than its log keeps.
    LogCut,
}

impl Note {
    /// Reads the words behind `note`; none for what a newer script says.
    pub fn read(words: &str) -> Option<Self> {
        let (what, rest) = words.split_once(' ').unwrap_or((words, ""));
        let text = rest.to_owned();
        Some(match what {
            "lock-taken-over" => Self::LockTakenOver(text),
            "index-lock-removed" => Self::IndexLockRemoved,
            "discarded" => Self::Discarded(text),
            "not-ignored" => Self::NotIgnored(text),
            "left-behind" => Self::LeftBehind(text),
            "still-sick" => Self::StillSick(text),
            "images-gone" => {
                let (version, strategy) = rest.split_once(' ')?;
                Self::ImagesGone { version: version.to_owned(), builds: strategy == "compose-git" }
            }
            "log-cut" => Self::LogCut,
            _newer => return None,
        })
    }
}
