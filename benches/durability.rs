//! What safety adds to a command: the ledger's transactions, and a job that
//! survives its connection in place of a plain command. Both on one warm
//! connection, beside the plain command.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use opsroom::{
    domain::{
        change::Change,
        inbound::{Arrival, Inbound, Protection},
        job::{Job, JobId},
        message::{Body, MessageClass},
        names::{EventId, HostName, RoomId, ServiceName, UserId},
        operation::{Operation, OperationId},
        origin::Origin,
        outgoing::{MessageKey, Outgoing, What},
        record::End,
    },
    engine::{
        event::{JobNews, JobState},
        follower::{self, Following, Reporter},
    },
    ledger::SqliteLedger,
    ports::{Arrived, Delivered, Entry, Ledger as _},
    ssh::SshRemote,
};
use opsroom_lab::Lab;
use tokio::sync::mpsc;

use crate::{command::run, fleet, samples::Samples, table::Row};

const ROUNDS: u64 = 100;
const WARM_UP: u64 = 5;

pub(crate) fn measure(lab: &Lab) -> Vec<Row> {
    let host = lab.host("spark");
    let remote = Arc::new(fleet::remote(&host));
    let ledger = SqliteLedger::open(&lab.dir("ledger").join("ledger.sqlite")).expect("a ledger");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let [mut plain, mut job, mut noted, mut begun] = [const { Samples::new() }; 4];
        for round in 0..WARM_UP + ROUNDS {
            if round == WARM_UP {
                [plain, job, noted, begun] = [const { Samples::new() }; 4];
            }
            let since = std::time::Instant::now();
            run(&remote, "true").await;
            plain.took(since.elapsed());

            let since = std::time::Instant::now();
            carry(&remote, round).await;
            job.took(since.elapsed());

            let since = std::time::Instant::now();
            answered(&ledger, 2 * round, None).await;
            run(&remote, "true").await;
            noted.took(since.elapsed());

            let since = std::time::Instant::now();
            answered(&ledger, 2 * round + 1, Some(round + 1)).await;
            run(&remote, "true").await;
            begun.took(since.elapsed());
        }
        vec![
            Row::added("`true` with the ledger of a command that reads", &noted, &plain),
            Row::added("`true` with the ledger of a change (to the disk)", &begun, &plain),
            Row::added("`true` as a detached job, followed to its end", &job, &plain),
        ]
    })
}

/// Starts a job and follows it, as a change does.
async fn carry(remote: &Arc<SshRemote>, number: u64) {
    let (events, mut news) = mpsc::channel(64);
    let following = Following { job: job(number), limit: Duration::from_secs(60), state: JobState::New };
    let report = Reporter { operation: OperationId(number), events };
    let ended = follower::follow(Arc::clone(remote) as _, following, &report).await;
    assert!(matches!(ended, JobNews::Exited { code: 0, .. }), "{ended:?} {:?}", news.try_recv());
}

fn job(number: u64) -> Job {
    let (id, nonce) = (JobId::new("bench", number), "0123456789abcdef".to_owned());
    Job { id, nonce, run_as: None, body: "true\n".to_owned(), limit: Duration::from_secs(60) }
}

/// What the ledger is told around one command: that it came, that it is dealt
/// with and what is said to it, for a change that it began and ended, and that
/// the sentences were delivered.
async fn answered(ledger: &SqliteLedger, number: u64, operation: Option<u64>) {
    let message = message(number);
    let (event, room) = (message.event.clone(), message.room.clone());
    let arrived = Arrived { room, position: Some(event.clone()), messages: vec![message.clone()] };
    ledger.accept(arrived).await.expect("the ledger accepts");
    let outgoing = outgoing(&message);
    let key = outgoing.key.clone();
    let mut entries = vec![Entry::Handled { event: event.clone(), how: "bench".to_owned() }, Entry::Queued(outgoing)];
    entries.extend(operation.map(|id| Entry::Began(Box::new(begin(&message, id)))));
    ledger.commit(entries).await.expect("the ledger commits");
    if let Some(id) = operation {
        let end = End {
            at: Timestamp::now(),
            outcome: "succeeded".to_owned(),
            verdict: "✅ **bridge** restarted".to_owned(),
        };
        let ended = Entry::Ended { id: OperationId(id), end };
        ledger.commit(vec![ended]).await.expect("the ledger commits");
    }
    ledger.delivered(&key, Delivered::As(event)).await.expect("the ledger notes");
}

fn message(number: u64) -> Inbound {
    Inbound {
        event: EventId::parse(&format!("$event{number}")).expect("an event ID"),
        room: RoomId::parse("!room").expect("a room ID"),
        sender: UserId::parse("@alice:example.org").expect("a user ID"),
        sent_at: Timestamp::now(),
        body: "!status".to_owned(),
        reply_to: None,
        reaction: false,
        mentions_bot: false,
        protection: Protection::Encrypted,
        arrival: Arrival::Live,
    }
}

fn outgoing(message: &Inbound) -> Outgoing {
    let body = Body::from_markdown("🟢 **bridge** — up 3 h");
    let reply_to = Some(message.event.clone());
    Outgoing {
        key: MessageKey(format!("{}/answer", message.event)),
        room: message.room.clone(),
        what: What::Say { class: MessageClass::Answer, body, reply_to, mentions: vec![] },
    }
}

fn begin(message: &Inbound, number: u64) -> Operation {
    Operation {
        id: OperationId(number),
        change: Change::Restart,
        service: ServiceName::parse("bridge").expect("a service's name"),
        member: None,
        host: HostName::parse("spark").expect("a host's name"),
        origin: Origin::Chat { user: message.sender.clone(), room: message.room.clone(), event: message.event.clone() },
        asked: message.body.clone(),
        began: message.sent_at,
        job: job(number),
    }
}
