//! Measurements, always of two sides in turns within one run, so that both
//! meet the same load; a bare time of one machine says nothing about another.
//! Not a test of speed: it fails only where something does not work.
//!
//! `make bench` runs all of them in the lab; `cargo bench -- reply memory` some
//! of them, and with `KEEP=1` the table goes into `benches/README.md`.

#![expect(clippy::print_stdout, reason = "numbers to look at are all it is for")]

mod machine;
mod samples;
mod table;
mod usage;

mod fleet;
mod machines;
mod raw;
mod simulated;
mod stage;

mod alert;
mod command;
mod durability;
mod idle;
mod many;
mod reply;
mod runtimes;
mod status;

use std::{env, fs, path::Path, time::Instant};

use opsroom_lab::Lab;
use table::Row;

type Measure = fn(&Lab) -> Vec<Row>;

/// In the order of the table.
const ALL: &[(&str, Measure)] = &[
    ("reply", reply::measure),
    ("command", command::measure),
    ("durability", durability::measure),
    ("idle", idle::measure),
    ("runtimes", runtimes::measure),
    ("status", status::measure),
    ("alert", alert::measure),
    ("fleet", many::measure),
];

fn main() {
    // Cargo says `--bench` to every benchmark.
    let asked: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let known = |name: &String| ALL.iter().any(|(other, _)| other == name);
    let names: Vec<_> = ALL.iter().map(|(name, _)| name).collect();
    assert!(asked.iter().all(known), "there are: {names:?}");
    let lab = Lab::connect();
    // Before it has made a load of its own.
    let machine = machine::describe(&lab);
    let began = Instant::now();
    let mut rows = Vec::new();
    for (name, measure) in ALL.iter().filter(|(name, _)| asked.is_empty() || asked.iter().any(|a| a == name)) {
        let (since, mut new) = (Instant::now(), measure(&lab));
        println!("{name}: {} s", since.elapsed().as_secs());
        rows.append(&mut new);
    }
    let report = format!("{machine}\n{}", table::markdown(&rows));
    println!("\n{report}\nin {} s", began.elapsed().as_secs());
    if env::var_os("KEEP").is_some() {
        keep(&report);
    }
}

/// Puts the report between the marks in the README.
fn keep(report: &str) {
    const BEGIN: &str = "<!-- the last run -->\n";
    const END: &str = "<!-- until here -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/README.md");
    let text = fs::read_to_string(&path).expect("the README is there");
    let (head, rest) = text.split_once(BEGIN).expect("the README has the first mark");
    let (_, tail) = rest.split_once(END).expect("the README has the second mark");
    fs::write(&path, format!("{head}{BEGIN}\n{report}\n{END}{tail}")).expect("the README can be written");
}
