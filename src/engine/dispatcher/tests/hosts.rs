//! What hosts say of themselves, and one host that is several.

use super::*;

/// Of each host that is asked.
fn asked(room: &Room) -> Vec<(String, Ticket)> {
    let asked = room.effects.iter().filter_map(|effect| match effect {
        Effect::Host { host, request: HostRequest::Read { ticket, .. } } => Some((host.to_string(), *ticket)),
        _ => None,
    });
    asked.collect()
}

#[test]
fn hosts_are_told_with_what_is_there_and_completed() {
    let mut room = Room::new();
    assert_eq!(room.says(VERA, "!hosts"), "");
    let asked = asked(&room);
    assert_eq!(asked.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["spark-1", "spark-2"]);
    let card = "up 7300.5\nload 0.50\ncpus 4\nMemTotal 1000\nMemAvailable 250\ndf /dev/vda 100 50 50 50% /\n\
                ::opsroom-about Docker\n29.0.1\n";
    assert_eq!(room.reads(asked[0].1, Ok((0, card))), "", "waits for the other host for a moment");
    room.later(3);
    insta::assert_snapshot!(room.happens(Event::Tick), @r"
    Answer: ⏳ 1 of 2 hosts not heard from yet
    ⏳ spark-2 — no answer yet
    🟢 spark-1 — up 2 h · load 0.50 of 4 · memory 75 % · / 50 % full
    ");
    insta::assert_snapshot!(room.reads(asked[1].1, Err("did not answer within 10 s")), @r"
    edit: ⚠️ 1 of 2 hosts needs attention
    🔴 spark-2 — did not answer within 10 s
    🟢 spark-1 — up 2 h · load 0.50 of 4 · memory 75 % · / 50 % full
    ");
    assert_eq!(room.reads(asked[1].1, Err("late")), "", "it is over");
    insta::assert_snapshot!(room.says(VERA, "!hosts spork-1"), @"Answer: No host here is called spork-1 — did you mean spark-1?");
}

#[test]
fn a_change_on_a_host_that_is_several_is_bound_to_the_one_that_answered() {
    let [one, other, prod] = ["spark-1", "spark-2", "prod"].map(|name| HostName::parse(name).unwrap());
    let mut inventory = inventory();
    inventory.hosts.push(Host { name: prod.clone(), any_of: vec![one.clone(), other.clone()], discover: None });
    let web = Workload::Docker(ContainerName::parse("web").unwrap());
    inventory.services.push(Service::new(ServiceName::parse("web").unwrap(), prod.clone(), web));
    let mut room = Room::of(inventory, 1, None);

    // Nobody has answered yet: the first.
    room.says(ALICE, "!restart web");
    assert_eq!(room.begun().host, one);
    room.job("::1 finished\n", Some(0));
    let facts = HostFacts { answered: Some(other.clone()), ..HostFacts::default() };
    let seen = Ok(Vec::new());
    room.happens(Event::Snapshot {
        ticket: None,
        report: HostReport { host: prod, began: room.now, at: room.now, facts, seen },
    });
    room.says(ALICE, "!restart web");
    assert_eq!(room.begun().host, other);
}
