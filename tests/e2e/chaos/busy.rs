//! A busy afternoon: people change services through the bot and past it, some
//! services crash, and all the while the bot's stream of events is cut.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use opsroom_lab::{Host, Project};

use super::{
    deploys::deploys_by_hand,
    scene::{STREAM, Scene, hears, run_of, runs_anew},
};
use crate::stage::Stage;

const ROUNDS: usize = 5;

/// Cuts the stream each time somebody listens again, each time in another way,
/// until told to stop.
fn cuts(host: &Host, changing: &Mutex<()>, stop: &AtomicBool) -> u32 {
    let mut cut = 0;
    while !stop.load(Ordering::Relaxed) {
        hears(host);
        // Whether a change whose very first word was cut off was begun nobody
        // can say, and that is told: not what is looked at here.
        match (cut % 3, changing.try_lock()) {
            (0, Ok(_alone)) => host.restart_sshd(),
            // What gets through late comes all at once.
            (1, _) => {
                host.link_down();
                host.run("docker version");
                host.link_up();
                host.run_as_root(&format!("pkill -KILL -f '{STREAM}' || true"));
            }
            _ => drop(host.run_as_root(&format!("pkill -KILL -f '{STREAM}' || true"))),
        }
        cut += 1;
    }
    cut
}

#[test]
fn no_alarm_is_false_and_no_crash_is_missed_while_the_stream_is_cut() {
    let stage = Stage::set();
    let host = stage.host.clone();
    let (ours, theirs) = (host.project("ours").healthy(), host.project("theirs").healthy());
    let (both, loops) = (host.project("both").healthy(), host.project("loops").healthy());
    let victims: Vec<Project> = (1..=ROUNDS).map(|nth| host.project(&format!("victim{nth}")).healthy()).collect();
    for victim in &victims {
        host.run(&format!("docker update --restart no {}", victim.container()));
    }
    let services: Vec<&Project> = [&ours, &theirs, &both, &loops].into_iter().chain(&victims).collect();
    // Nothing recovers meanwhile: each alarm is of one crash.
    let scene = Scene::quietly(stage, &services, "[watch]\nabsent_after = \"10s\"\nquiet = \"10m\"\n");

    let (changing, stop, done) = (Mutex::new(()), AtomicBool::new(false), AtomicU32::new(0));
    let outside = |script: &str| {
        host.run(&script.replace("NAME", theirs.container()));
        done.fetch_add(1, Ordering::Relaxed);
    };
    let asks = |command: &str, result: &str| {
        let _held = changing.lock().expect("nobody died holding it");
        scene.changes(command, result);
        done.fetch_add(1, Ordering::Relaxed);
    };
    let cut = std::thread::scope(|scope| {
        let cutter = scope.spawn(|| cuts(&host, &changing, &stop));
        for (round, victim) in victims.iter().enumerate() {
            outside("docker restart -t 1 NAME");
            outside("docker kill -s HUP NAME");
            outside("docker stop -t 1 NAME");
            outside("docker start NAME");
            victim.crash_now(3);
            asks("!restart ours", "✅ ours restarted");
            outside("docker pause NAME && docker unpause NAME");
            both.push_commit(&format!("hello for the {round}. time"));
            if round % 2 == 0 {
                deploys_by_hand(&both);
                done.fetch_add(1, Ordering::Relaxed);
            } else {
                asks("!update both", "✅ both updated");
            }
            if round < 3 {
                let before = run_of(&loops);
                loops.crash_now(7);
                runs_anew(&loops, before.as_deref());
            }
            outside("docker kill NAME; docker start NAME");
            asks("!stop ours", "✅ ours stopped");
            asks("!start ours", "✅ ours");
            scene.alarmed(victim.name());
        }
        scene.alarmed(loops.name());
        stop.store(true, Ordering::Relaxed);
        cutter.join().expect("the cutter lived")
    });
    // The bot waits the longer, the more often it was cut: it was without a stream for most of the time.
    assert!(cut >= 5, "cut {cut} times only");
    assert!(done.load(Ordering::Relaxed) >= 40);
    scene.nothing_more_comes();

    // Whether alone or together with others: each of them rang once, and nothing else did.
    let alarms: Vec<(&str, usize)> =
        services.iter().map(|service| (service.name(), scene.alarms_of(service.name()).len())).collect();
    let wanted: Vec<(&str, usize)> = services
        .iter()
        .map(|service| (service.name(), usize::from(service.name().starts_with("victim") || service.name() == "loops")))
        .collect();
    assert_eq!(alarms, wanted, "{}", scene.reads().transcript());
    for quiet in [&ours, &theirs, &both] {
        let told = scene.unasked().into_iter().filter(|message| message.text().contains(quiet.name())).count();
        assert_eq!(told, 0, "{}: {}", quiet.name(), scene.reads().transcript());
    }
}
