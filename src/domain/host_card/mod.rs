//! What a host says of itself when somebody asks: `!hosts`.

use jiff::{SignedDuration, Timestamp};

use super::{
    inventory::Service,
    observation::Disk,
    runtime::{self, About, SAID, snapshot},
    shell,
    text::shortened,
};

const SCRIPT: &str = include_str!("card.sh");
/// Marks where the answers about a runtime begin.
const RUNTIME: &str = "::opsroom-about ";
/// What stands there before the host's clock, which is read last. No runtime is called like that.
const CLOCK: &str = ":clock";
/// Disks that are read: no more are asked about.
const DISKS: usize = 8;

/// What a host says of itself, as far as it did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct HostCard {
    /// What it calls itself.
    pub name: Option<String>,
    /// How long it has been up.
    pub up: Option<SignedDuration>,
    /// Processes that ran or wanted to, over the last minute, as the kernel writes it.
    pub load: Option<String>,
    /// Processors.
    pub cpus: Option<u32>,
    /// Its memory.
    pub memory: Option<Usage>,
    /// Its swap space; none where it has none.
    pub swap: Option<Usage>,
    /// Its hottest sensor, in degrees Celsius.
    pub degrees: Option<i32>,
    /// What it runs, like "Debian GNU/Linux 12 (bookworm)".
    pub os: Option<String>,
    /// Its kernel's release.
    pub kernel: Option<String>,
    /// Set when it is to be restarted: the packages that want it.
    pub restart: Option<String>,
    /// Its disks, as `df` prints them.
    pub disks: Vec<Disk>,
    /// What time it was there at the end of its answer.
    pub clock: Option<Timestamp>,
    /// Its runtimes, by their labels.
    pub runtimes: Vec<(&'static str, About)>,
}

/// How much of something is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// How much there is, in KiB.
    pub total: u64,
    /// How much of that is left, in KiB.
    pub free: u64,
}

impl Usage {
    fn of(total: Option<u64>, free: Option<u64>) -> Option<Self> {
        let (total, free) = (total.filter(|total| *total > 0)?, free?);
        Some(Self { total, free: free.min(total) })
    }

    /// How much is used, in percent.
    pub fn percent(self) -> u64 {
        (self.total - self.free).saturating_mul(100) / self.total
    }
}

/// One command line that asks a host about itself, and about each runtime that
/// has services there. A runtime is asked as the first login that has some.
pub fn command(services: &[&Service]) -> String {
    let by_runtime = runtime::by_runtime(services.iter().copied());
    let disks = shell::quote(&snapshot::disks(by_runtime.iter().map(|(runtime, _)| *runtime)));
    let mut parts = vec![shell::script(None, &format!("disks={disks}\n{}", shell::terse(SCRIPT)))];
    for (runtime, services) in by_runtime {
        let login = services.first().and_then(|service| service.run_as.as_ref());
        let ask = shell::script(login, &runtime.about());
        parts.push(format!("echo {}; {ask}", shell::quote(&format!("{RUNTIME}{}", runtime.label()))));
    }
    parts.push(format!("echo {}; date +%s", shell::quote(&format!("{RUNTIME}{CLOCK}"))));
    parts.iter().map(|part| format!("{{ {part} ; }} 2>&1")).collect::<Vec<_>>().join("; ")
}

/// Reads what [`command`] printed. Lines that are not understood are left out:
/// each thing is shown or is not.
pub fn read(printed: &str, services: &[&Service]) -> HostCard {
    let lines: Vec<&str> = printed.lines().collect();
    let own: Vec<&str> = lines.iter().copied().take_while(|line| !line.starts_with(RUNTIME)).collect();
    let said = |name: &str| own.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::trim);
    let number = |name| said(name).and_then(|said| said.parse::<u64>().ok());
    let seconds = said("up").and_then(|said| said.split('.').next()?.parse().ok());
    let text = |name| said(name).map(|said| shortened(said, SAID).into_owned());
    // None where it was not asked about.
    let behind = |mark: &str| -> Option<Vec<&str>> {
        let begin = lines.iter().position(|line| line.strip_prefix(RUNTIME) == Some(mark))?;
        Some(lines[begin + 1..].iter().copied().take_while(|line| !line.starts_with(RUNTIME)).collect())
    };
    let about = |(runtime, _): (&'static dyn runtime::Runtime, Vec<&Service>)| {
        Some((runtime.label(), runtime.read_about(&behind(runtime.label())?)))
    };
    let mut disks: Vec<Disk> = Vec::new();
    for disk in own.iter().filter_map(|line| Disk::read(line.strip_prefix("df ")?)) {
        // Several directories may be on one.
        if disks.len() < DISKS && !disks.iter().any(|known| known.mount == disk.mount) {
            disks.push(Disk { mount: shortened(&disk.mount, SAID).into_owned(), ..disk });
        }
    }
    let clock = behind(CLOCK).and_then(|printed| Timestamp::from_second(printed.first()?.trim().parse().ok()?).ok());
    HostCard {
        up: seconds.map(SignedDuration::from_secs),
        name: text("name"),
        load: text("load").filter(|said| said.parse::<f64>().is_ok()),
        cpus: said("cpus").and_then(|said| said.parse().ok()),
        memory: Usage::of(number("MemTotal"), number("MemAvailable")),
        swap: Usage::of(number("SwapTotal"), number("SwapFree")),
        degrees: said("heat").and_then(|said| Some(said.parse::<i32>().ok()? / 1_000)),
        os: text("os"),
        kernel: text("kernel"),
        restart: text("reboot").map(|said| said.trim_start_matches("needed").trim().to_owned()),
        disks,
        clock,
        runtimes: runtime::by_runtime(services.iter().copied()).into_iter().filter_map(about).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "name spark-1\nup 1036800.12\nload 0.31\ncpus 8\nMemTotal 32000000\nMemAvailable 20000000\nSwapTotal 0\nSwapFree 0\n\
        heat 51500\nos Debian GNU/Linux 12 (bookworm)\nkernel 6.1.0-18-amd64\nreboot needed linux-image-6.1 libc6 \n\
        df Filesystem 1024-blocks Used Available Capacity Mounted on\ndf /dev/vda1 264212084 66060288 29360128 70% /\n\
        df /dev/vda1 264212084 66060288 29360128 70% /\ndf: /var/lib/docker: No such file or directory\n\
        ::opsroom-about :clock\n1800000000\n";

    #[test]
    fn a_host_is_what_it_says() {
        let card = read(PRINTED, &[]);
        assert_eq!(card.up, Some(SignedDuration::from_hours(12 * 24)));
        assert_eq!((card.load.as_deref(), card.cpus, card.degrees), (Some("0.31"), Some(8), Some(51)));
        assert_eq!((card.memory.map(Usage::percent), card.swap), (Some(37), None));
        assert_eq!(card.restart.as_deref(), Some("linux-image-6.1 libc6"));
        assert_eq!(card.disks, [Disk { mount: "/".into(), percent: 70, free: 28_672 }]);
        assert_eq!(card.clock, Timestamp::from_second(1_800_000_000).ok());
    }

    #[test]
    fn what_a_host_does_not_say_is_not_known() {
        assert_eq!(read("sh: 1: cut: not found\nup x\nload x\ncpus -1\nMemTotal 5\n", &[]), HostCard::default());
    }
}
