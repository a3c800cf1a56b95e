//! What a bot costs that watches and is asked nothing: memory and processor
//! time, with 10 hosts of 20 services each.

use std::time::Duration;

use opsroom_lab::Lab;

use crate::{
    fleet,
    fleet::Sleepers,
    stage,
    table::Row,
    usage::{Processor, memory, passes},
};

const HOSTS: u16 = 10;
const SERVICES: usize = 20;
/// Two of the watch's own looks at every host, by default.
const SETTLE: Duration = Duration::from_secs(60);
/// How long the processor time is counted: two more.
const WATCH: Duration = Duration::from_secs(60);
const MOST_MIB: f64 = 60.0;

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let alice = lab.person("alice");
    let room = lab.room("ops").encrypted().member(&alice).create();
    let hosts = lab.hosts_on_one_machine(HOSTS);
    let sleepers = Sleepers::start(lab, SERVICES);
    let mut plan = stage::bot(lab, &alice).room(&room);
    for (place, host) in hosts.iter().enumerate() {
        plan = plan.host(host);
        for (number, container) in sleepers.names.iter().enumerate() {
            plan = plan.config(&fleet::service(&format!("s{place}-{number}"), host, container));
        }
    }
    let bot = plan.start();
    let asked = alice.says(&room, "!status");
    room.reads(&alice).reply_to(&asked, opsroom_lab::containing("nothing needs attention"));
    passes(SETTLE);
    let processor = Processor::of(&bot);
    passes(WATCH);
    let percent = processor.percent();
    let [rss, pss, private] = memory(&bot);
    let what = format!("idle, {HOSTS} hosts × {SERVICES} services");
    vec![
        Row::number(
            &format!("{what}: resident memory"),
            format!("{rss:.1} MiB RSS ({pss:.1} PSS, {private:.1} private)"),
            Some((format!("< {MOST_MIB} MiB"), rss < MOST_MIB)),
        ),
        Row::number(&format!("{what}: processor time"), format!("{percent:.2} % of a core"), None),
    ]
}
