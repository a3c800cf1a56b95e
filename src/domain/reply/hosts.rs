//! `!hosts`: one line per host, troubled ones first; of one host, its card.

use jiff::{SignedDuration, Timestamp};

use super::{size::size, span};
use crate::domain::{
    doctor::mark::Mark,
    host_card::{HostCard, Usage},
    message::escape,
    names::HostName,
    observation::Disk,
};

/// A clock that is off by less may be the way of its answer.
const CLOCK: SignedDuration = SignedDuration::from_secs(5);
/// Of what is no card.
const NOTHING: &str = "it said nothing that I understand";
/// Hosts that are shown one by one: nobody reads hundreds of lines on a phone.
const SHOWN: usize = 40;
/// Notes of a runtime that are shown in a host's row, and on its card.
const NOTES: (usize, usize) = (3, 40);

/// How a host is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Wrong,
    Doubtful,
    Waiting,
    Fine,
}

impl From<Mark> for Rank {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Wrong => Self::Wrong,
            Mark::Doubtful => Self::Doubtful,
            Mark::Fine => Self::Fine,
        }
    }
}

/// One host at the time of answering.
#[derive(Debug)]
pub struct Line<'a> {
    /// The host.
    pub host: &'a HostName,
    /// Set where it is one of these, whichever answers.
    pub any_of: &'a [HostName],
    /// How many services it has.
    pub services: usize,
    /// What is known of it.
    pub view: View<'a>,
}

/// What is known of a host.
#[derive(Debug)]
pub enum View<'a> {
    /// What it said, and when that came, by the bot's clock.
    Seen(Box<HostCard>, Timestamp),
    /// It has not answered yet.
    Waiting,
    /// It could not be asked.
    Blind(&'a str),
}

/// The whole answer. A disk is nearly full from so many percent on.
pub fn answer(lines: &[Line<'_>], nearly_full: u32) -> String {
    match lines {
        [] => "No hosts yet — add a `[[host]]` to the config.".to_owned(),
        [line @ Line { view: View::Seen(card, at), .. }] => whole(line, card, *at, nearly_full),
        several => list(several, nearly_full),
    }
}

fn list(lines: &[Line<'_>], nearly_full: u32) -> String {
    let mut rows: Vec<(Rank, String)> = lines.iter().map(|line| row(line, nearly_full)).collect();
    // Stable: within a rank, the order of the config.
    rows.sort_by_key(|(rank, _)| *rank);
    let count = |rows: &[(Rank, String)], ranks: &[Rank]| rows.iter().filter(|(rank, _)| ranks.contains(rank)).count();
    let (all, waiting) = (rows.len(), count(&rows, &[Rank::Waiting]));
    let verdict = match (count(&rows, &[Rank::Wrong, Rank::Doubtful]), waiting) {
        _ if all == 1 => None,
        (0, 0) => Some(format!("🟢 **nothing needs attention** ({all} hosts)")),
        (0, waiting) => Some(format!("⏳ {waiting} of {all} hosts not heard from yet")),
        (1, _) => Some(format!("⚠️ **1 of {all} hosts needs attention**")),
        (needy, _) => Some(format!("⚠️ **{needy} of {all} hosts need attention**")),
    };
    let left = &rows[all.min(SHOWN)..];
    let more = (!left.is_empty()).then(|| {
        let needy = count(left, &[Rank::Wrong, Rank::Doubtful]);
        let needy = if needy > 0 { format!(", {needy} of them in trouble") } else { String::new() };
        format!("and {} more hosts{needy} — name some", left.len())
    });
    verdict
        .into_iter()
        .chain(rows.into_iter().take(SHOWN).map(|(_, row)| row))
        .chain(more)
        .collect::<Vec<_>>()
        .join("\n")
}

fn row(line: &Line<'_>, nearly_full: u32) -> (Rank, String) {
    let name = escape(line.host.as_str());
    match &line.view {
        View::Waiting => (Rank::Waiting, format!("⏳ **{name}** — no answer yet")),
        View::Blind(why) => (Rank::Wrong, format!("🔴 **{name}** — {}", escape(why))),
        View::Seen(card, at) => {
            let (usual, wrong) = match line.any_of {
                [] => (usual(card), [troubles(card, *at, nearly_full), runtime_troubles(card)].concat()),
                // The machine that answered has a row of its own.
                any_of => (vec![format!("any of {}", names(any_of))], runtime_troubles(card)),
            };
            let mark = wrong.iter().map(|(mark, _)| *mark).min().unwrap_or(Mark::Fine);
            let said = usual.into_iter().chain(wrong.into_iter().map(|(_, says)| says)).collect::<Vec<_>>();
            (mark.into(), format!("{} **{name}** — {}", emoji(mark), said.join(" · ")))
        }
    }
}

fn names(hosts: &[HostName]) -> String {
    hosts.iter().map(|host| escape(host.as_str())).collect::<Vec<_>>().join(", ")
}

fn emoji(mark: Mark) -> &'static str {
    match mark {
        Mark::Wrong => "🔴",
        Mark::Doubtful => "⚠️",
        Mark::Fine => "🟢",
    }
}

/// What is worth a look at any host.
fn usual(card: &HostCard) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(card.up.map(|up| format!("up {}", span::rough(up))));
    said.extend(load(card));
    said.extend(card.memory.map(|memory| format!("memory {} %", memory.percent())));
    let fullest = card.disks.iter().max_by_key(|disk| disk.percent);
    said.extend(fullest.map(|disk| format!("{} {} % full", escape(&disk.mount), disk.percent)));
    said
}

fn load(card: &HostCard) -> Option<String> {
    let load = escape(card.load.as_deref()?);
    Some(match card.cpus {
        Some(cpus) => format!("load {load} of {cpus}"),
        None => format!("load {load}"),
    })
}

/// What somebody should know of a machine without asking.
fn troubles(card: &HostCard, at: Timestamp, nearly_full: u32) -> Vec<(Mark, String)> {
    let mut found: Vec<(Mark, String)> = Vec::new();
    if card.up.is_none() {
        found.push((Mark::Doubtful, NOTHING.to_owned()));
    }
    for disk in card.disks.iter().filter(|disk| disk.percent >= nearly_full) {
        found.push((Mark::Wrong, format!("{} has {} left", escape(&disk.mount), size(disk.free * 1_024))));
    }
    found.extend(card.restart.is_some().then(|| (Mark::Doubtful, "restart needed".to_owned())));
    found.extend(clock(card, at).map(|off| (Mark::Doubtful, off)));
    found
}

/// The same of what runs services there.
fn runtime_troubles(card: &HostCard) -> Vec<(Mark, String)> {
    let troubles = card.runtimes.iter().flat_map(|(label, about)| {
        let notes = about.notes.iter().filter(|note| note.mark != Mark::Fine).take(NOTES.0);
        notes.map(move |note| (note.mark, format!("{label}: {}", escape(&note.says))))
    });
    troubles.collect()
}

fn clock(card: &HostCard, at: Timestamp) -> Option<String> {
    let off = card.clock?.duration_since(at);
    let way = if off.is_positive() { "ahead" } else { "behind" };
    (off.abs() > CLOCK).then(|| format!("clock {} {way}", span::rough(off.abs())))
}

/// All there is to know of one host.
fn whole(line: &Line<'_>, card: &HostCard, at: Timestamp, nearly_full: u32) -> String {
    let Line { host, any_of, services, .. } = line;
    let wrong = [troubles(card, at, nearly_full), runtime_troubles(card)].concat();
    let mark = wrong.iter().map(|(mark, _)| *mark).min().unwrap_or(Mark::Fine);
    let head: Vec<String> = card.up.map(|up| format!("up {}", span::rough(up))).into_iter().chain(load(card)).collect();
    let head = if head.is_empty() { NOTHING.to_owned() } else { head.join(", ") };
    let mut lines = vec![format!("{} **{}** — {head}", emoji(mark), escape(host.as_str()))];
    if !any_of.is_empty() {
        let this = card.name.as_ref().map_or(String::new(), |name| format!("; this is {}", escape(name)));
        lines.push(format!("any of {}{this}", names(any_of)));
    }
    let used = |what: &str, usage: Usage| format!("{what} {} % of {}", usage.percent(), size(usage.total));
    let memory: Vec<String> =
        [card.memory.map(|usage| used("memory", usage)), card.swap.map(|usage| used("swap", usage))]
            .into_iter()
            .flatten()
            .chain(card.degrees.map(|degrees| format!("{degrees} °C")))
            .collect();
    lines.extend((!memory.is_empty()).then(|| memory.join(", ")));
    lines.extend(card.disks.iter().map(|disk| of_disk(disk, nearly_full)));
    let system: Vec<String> = card
        .os
        .iter()
        .map(|os| escape(os))
        .chain(card.kernel.iter().map(|kernel| format!("kernel {}", escape(kernel))))
        .collect();
    lines.extend((!system.is_empty()).then(|| system.join(", ")));
    lines.extend(card.restart.as_ref().map(|packages| {
        let why = if packages.is_empty() { String::new() } else { format!(" for {}", escape(packages)) };
        format!("⚠️ a restart is needed{why}")
    }));
    lines.extend(clock(card, at).map(|off| format!("⚠️ {off}")));
    for (label, about) in &card.runtimes {
        let version = about.version.as_ref().map_or(String::new(), |version| format!(" {}", escape(version)));
        match &about.notes[..] {
            [] => lines.push(format!("{label}{version}")),
            [note] => {
                let mark = if note.mark == Mark::Fine { String::new() } else { format!("{} ", emoji(note.mark)) };
                lines.push(format!("{mark}{label}{version} — {}", escape(&note.says)));
            }
            notes => {
                lines.push(format!("**{label}{version}**"));
                let shown = notes.iter().take(NOTES.1);
                lines.extend(shown.map(|note| format!("{} {}", emoji(note.mark), escape(&note.says))));
                let more = notes.len().saturating_sub(NOTES.1);
                lines.extend((more > 0).then(|| format!("and {more} more")));
            }
        }
    }
    let plural = if *services == 1 { "service" } else { "services" };
    lines.push(format!("{services} {plural}"));
    lines.join("\n")
}

fn of_disk(disk: &Disk, nearly_full: u32) -> String {
    let mark = if disk.percent >= nearly_full { "🔴 " } else { "" };
    format!("{mark}{} {} % full, {} left", escape(&disk.mount), disk.percent, size(disk.free * 1_024))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::runtime::{About, Note};

    fn card() -> HostCard {
        let note = |mark, says: &str| Note { mark, says: says.to_owned() };
        let swarm = About {
            version: Some("29.0.1".to_owned()),
            notes: vec![note(Mark::Fine, "node-1 — ready, worker"), note(Mark::Wrong, "node-2 — down, worker")],
        };
        HostCard {
            up: Some(SignedDuration::from_hours(12 * 24)),
            load: Some("0.31".to_owned()),
            cpus: Some(8),
            memory: Some(Usage { total: 32 * 1_048_576, free: 20 * 1_048_576 }),
            degrees: Some(51),
            os: Some("Debian GNU/Linux 12".to_owned()),
            kernel: Some("6.1.0".to_owned()),
            restart: Some("linux-image".to_owned()),
            disks: vec![Disk { mount: "/".to_owned(), percent: 63, free: 122_880 }],
            clock: Timestamp::from_second(1_800_000_012).ok(),
            runtimes: vec![("Swarm", swarm)],
            ..HostCard::default()
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn line<'a>(host: &'a HostName, view: View<'a>) -> Line<'a> {
        Line { host, any_of: &[], services: 5, view }
    }

    #[test]
    fn of_one_host_all_is_told() {
        let host = HostName::parse("spark-1").unwrap();
        let text = answer(&[line(&host, View::Seen(Box::new(card()), now()))], 90);
        assert_eq!(
            text,
            "🔴 **spark\\-1** — up 12 d, load 0\\.31 of 8\n\
             memory 37 % of 32.0 GiB, 51 °C\n\
             / 63 % full, 120.0 GiB left\n\
             Debian GNU/Linux 12, kernel 6\\.1.0\n\
             ⚠️ a restart is needed for linux\\-image\n\
             ⚠️ clock 12 s ahead\n\
             **Swarm 29\\.0.1**\n\
             🟢 node\\-1 — ready, worker\n\
             🔴 node\\-2 — down, worker\n\
             5 services"
        );
    }

    #[test]
    fn of_several_what_needs_a_person_comes_first() {
        let [well, sick, gone, late] = ["spark", "sick", "gone", "late"].map(|name| HostName::parse(name).unwrap());
        let fine = HostCard { restart: None, clock: None, runtimes: vec![], ..card() };
        let text = answer(
            &[
                line(&well, View::Seen(Box::new(fine), now())),
                line(&late, View::Waiting),
                line(&sick, View::Seen(Box::new(card()), now())),
                line(&gone, View::Blind("no connection: timed out")),
            ],
            90,
        );
        assert_eq!(
            text,
            "⚠️ **2 of 4 hosts need attention**\n\
             🔴 **sick** — up 12 d · load 0\\.31 of 8 · memory 37 % · / 63 % full · restart needed · clock 12 s ahead \
             · Swarm: node\\-2 — down, worker\n\
             🔴 **gone** — no connection: timed out\n\
             ⏳ **late** — no answer yet\n\
             🟢 **spark** — up 12 d · load 0\\.31 of 8 · memory 37 % · / 63 % full"
        );
    }

    #[test]
    fn what_a_host_says_cannot_draw_and_nonsense_is_no_card() {
        let host = HostName::parse("liar").unwrap();
        let about = About { version: Some("1 <b>@room".to_owned()), notes: vec![] };
        let lies = HostCard {
            os: Some("[x](https://example.org)".to_owned()),
            runtimes: vec![("Docker", about)],
            ..HostCard::default()
        };
        let text = answer(&[line(&host, View::Seen(Box::new(lies), now()))], 90);
        assert!(text.contains("it said nothing that I understand"), "{text}");
        assert!(text.contains("\\[x\\]\\(https://example.org\\)") && text.contains("\\<b\\>\\@room"), "{text}");
    }

    #[test]
    fn what_is_any_of_several_is_no_machine_and_what_is_cut_off_is_counted() {
        let [prod, one, two] = ["prod", "one", "two"].map(|name| HostName::parse(name).unwrap());
        let several = [one, two];
        let seen = || View::Seen(Box::new(HostCard { name: Some("two".to_owned()), ..card() }), now());
        let line = Line { any_of: &several, ..line(&prod, seen()) };
        assert!(answer(&[line], 60).contains("any of one, two; this is two\n"));
        let many: Vec<HostName> = (0..50).map(|number| HostName::parse(&format!("h{number}")).unwrap()).collect();
        let mut lines: Vec<Line<'_>> =
            many.iter().map(|host| Line { host, any_of: &[], services: 1, view: View::Waiting }).collect();
        lines.push(Line { any_of: &several, ..Line { host: &prod, any_of: &[], services: 1, view: seen() } });
        let text = answer(&lines, 60);
        assert!(text.contains("\n🔴 **prod** — any of one, two · Swarm: node"), "{text}");
        assert!(!text.contains("/ has") && text.ends_with("and 11 more hosts — name some"), "{text}");
    }
}
